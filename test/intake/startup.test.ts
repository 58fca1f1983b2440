// ready(): what its promise waits for, and what a module that cannot be loaded makes of it.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { Definitions } from "../../src/intake/definitions.js";
import { Startup } from "../../src/intake/startup.js";

function create() {
  const definitions = new Definitions({ defaults: defaultPolicy, policies: new Map(), logger: silentLogger });
  const explain = (reason: Error): Error => new Error(`explained: ${reason.message}`);
  return { startup: new Startup({ definitions, explain }), definitions };
}

/** Whether the promise has resolved by the next turn. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  promise.then(
    () => {
      resolved = true;
    },
    () => {},
  );
  await turn();
  return resolved;
}

describe("the startup of an offloader", () => {
  it("comes when the engine is up and the tasks of earlier processes have been looked for", async () => {
    let found = (): void => {};
    const { startup } = create();
    startup.loaded(["a"]);
    expect(await isResolved(startup.promise)).toBe(false);
    startup.up(new Promise((resolve) => (found = resolve)));
    expect(await isResolved(startup.promise)).toBe(false);
    found();
    await startup.promise;
  });

  it("does not come when they cannot be looked for, and nobody has to hear of it", async () => {
    const broken = new Error("no such directory");
    const { startup } = create();
    startup.up(Promise.reject(broken));
    await turn();
    await expect(startup.promise).rejects.toBe(broken);
  });

  it("does not come while the module cannot be loaded, and every dispatch is refused until then", async () => {
    const { startup, definitions } = create();
    expect(startup.refusal).toBeUndefined();
    const errorOf = startup.unloadable(new Error("a typo"));
    const { refusal } = startup;
    expect(refusal).toMatchObject({
      code: "AR_TASKS_NOT_LOADABLE",
      message: "the tasks module cannot be loaded: explained: a typo",
    });
    expect(errorOf(definitions.task("mail"))).toBe(refusal);
    expect(errorOf(definitions.callback("mail"))).toBeUndefined();
    startup.unloadable(new Error("again"));
    expect(startup.refusal).toBe(refusal);
    await expect(startup.promise).rejects.toThrow("explained: a typo");
  });

  it("comes after all when the module can be loaded later, not before the engine is up", async () => {
    const { startup } = create();
    startup.unloadable(new Error("a typo"));
    startup.loaded(["a"]);
    expect(startup.refusal).toBeUndefined();
    expect(await isResolved(startup.promise)).toBe(false);
    startup.up(Promise.resolve());
    await startup.promise;
  });

  it("does not come any more once it is given up, and is not taken back", async () => {
    const closed = new Error("closed");
    const [never, already] = [create().startup, create().startup];
    never.giveUp(closed);
    await expect(never.promise).rejects.toBe(closed);
    already.up(Promise.resolve());
    await already.promise;
    already.giveUp(closed);
    await already.promise;
  });
});

describe("the names of the tasks", () => {
  it("are learnt once, and again when they have changed", () => {
    const { startup, definitions } = create();
    const gone = definitions.task("gone");
    expect(startup.loaded(["a", "b"])?.(gone)).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    expect(startup.loaded(["b", "a"])).toBeUndefined();
    expect(startup.loaded(["a", "gone"])?.(gone)).toBeUndefined();
  });

  it("of callbacks are kept apart up to a number; those known by then stay what they are", () => {
    const { definitions } = create();
    const first = definitions.callback("first");
    for (let n = 0; n < 600; n++) definitions.callback(`computed-${n}`);
    expect(definitions.callback("computed-599").name).toBe("callback");
    expect(definitions.callback("").name).toBe("callback");
    expect(definitions.callback("first")).toBe(first);
    expect([...definitions.all()].length).toBeLessThan(600);
  });
});

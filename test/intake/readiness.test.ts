// ready(): what its promise waits for, and what a module that cannot be loaded makes of it.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { Definitions } from "../../src/intake/definitions.js";
import { Readiness } from "../../src/intake/readiness.js";

function create(takeOver: () => Promise<void> = async () => {}) {
  const definitions = new Definitions({ defaults: defaultPolicy, policies: new Map(), logger: silentLogger });
  const explain = (reason: Error): Error => new Error(`explained: ${reason.message}`);
  return { readiness: new Readiness({ definitions, explain, takeOver }), definitions };
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

describe("readiness", () => {
  it("comes when the engine is up and the tasks of earlier processes have been looked for", async () => {
    let found = (): void => {};
    const { readiness } = create(() => new Promise((resolve) => (found = resolve)));
    readiness.loaded(["a"]);
    expect(await isResolved(readiness.promise)).toBe(false);
    readiness.up();
    expect(await isResolved(readiness.promise)).toBe(false);
    found();
    await readiness.promise;
  });

  it("does not come when they cannot be looked for, and nobody has to hear of it", async () => {
    const broken = new Error("no such directory");
    const { readiness } = create(() => Promise.reject(broken));
    readiness.up();
    await turn();
    await expect(readiness.promise).rejects.toBe(broken);
  });

  it("does not come while the module cannot be loaded, and every dispatch is refused until then", async () => {
    const { readiness, definitions } = create();
    expect(readiness.refusal).toBeUndefined();
    const errorOf = readiness.unloadable(new Error("a typo"));
    const { refusal } = readiness;
    expect(refusal).toMatchObject({
      code: "AR_TASKS_NOT_LOADABLE",
      message: "the tasks module cannot be loaded: explained: a typo",
    });
    expect(errorOf(definitions.task("mail"))).toBe(refusal);
    expect(errorOf(definitions.callback("mail"))).toBeUndefined();
    readiness.unloadable(new Error("again"));
    expect(readiness.refusal).toBe(refusal);
    await expect(readiness.promise).rejects.toThrow("explained: a typo");
  });

  it("comes after all when the module can be loaded later, not before the engine is up", async () => {
    const { readiness } = create();
    readiness.unloadable(new Error("a typo"));
    readiness.loaded(["a"]);
    expect(readiness.refusal).toBeUndefined();
    expect(await isResolved(readiness.promise)).toBe(false);
    readiness.up();
    await readiness.promise;
  });

  it("does not come any more once it is given up, and is not taken back", async () => {
    const closed = new Error("closed");
    const [never, already] = [create().readiness, create().readiness];
    never.giveUp(closed);
    await expect(never.promise).rejects.toBe(closed);
    already.up();
    await already.promise;
    already.giveUp(closed);
    await already.promise;
  });
});

describe("the names of the tasks", () => {
  it("are learnt once, and again when they have changed", () => {
    const { readiness, definitions } = create();
    const gone = definitions.task("gone");
    expect(readiness.loaded(["a", "b"])?.(gone)).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    expect(readiness.loaded(["b", "a"])).toBeUndefined();
    expect(readiness.loaded(["a", "gone"])?.(gone)).toBeUndefined();
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

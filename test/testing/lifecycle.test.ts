// The end of a test: restore() in whatever the offloader is doing, close() and closeAll(), and what the kit refuses to begin with.
import { cp, symlink } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { matchers, testing } from "offload-after-response/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { rejection, thrownBy } from "../support/offloader.js";
import { makeOffloader, startApp } from "./app.js";

const root = path.join(import.meta.dirname, "../..");

describe("restore()", () => {
  it("has the offloader run its tasks on threads again, and cancels what was kept", async () => {
    const { offloader, tasks } = await startApp();
    const kept = offloader.offload("sendMail");
    tasks.restore();
    expect(kept.state).toBe("cancelled");
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
    expect(tasks.offloaded()).toEqual([]);
  });

  it("is what the end of a `using` block does", async () => {
    const offloader = makeOffloader();
    {
      using tasks = testing(offloader);
      offloader.offload("sendMail");
      tasks.assertOffloaded("sendMail");
    }
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it("gives back the names that the threads have found", async () => {
    const offloader = makeOffloader();
    await offloader.ready();
    testing(offloader, { tasks: { sendMail() {} } }).restore();
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it("happens also where a `using` block throws", () => {
    const offloader = makeOffloader();
    expect(() => {
      using tasks = testing(offloader);
      tasks.assertOffloaded("sendMail");
    }).toThrow(/nothing was offloaded/);
    using tasks = testing(offloader);
    tasks.assertNothingOffloaded();
  });

  it("may be called twice, and does not end the kit that came after", () => {
    const offloader = makeOffloader();
    const first = testing(offloader);
    first.restore();
    using second = testing(offloader);
    first.restore();
    offloader.offload("sendMail");
    second.assertOffloaded("sendMail");
  });

  it.each(["fake", "inline"] as const)(
    'before ready() in the mode "%s": ready() waits for the threads',
    async (mode) => {
      const offloader = makeOffloader();
      const ready = offloader.ready();
      testing(offloader, { mode, tasks: () => new Promise(() => {}) }).restore();
      await ready;
      expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
    },
  );

  it("after ready(), which the kit had answered: the threads have the tasks again", async () => {
    const offloader = makeOffloader();
    const tasks = testing(offloader, { tasks: { sendMail() {} } });
    await offloader.ready();
    tasks.restore();
    await offloader.ready();
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it.each<[string, () => Promise<object>]>([
    ["loaded", async () => ({ sendMail() {} })],
    ["that cannot be loaded", () => Promise.reject(new SyntaxError("broken module"))],
  ])("makes a module of the test's that is %s too late mean nothing", async (_what, load) => {
    const offloader = makeOffloader();
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const tasks = testing(offloader, { mode: "inline", tasks: () => begun.then(load) });
    offloader.offload("sendMail");
    const cleared = tasks.clear();
    tasks.restore();
    begin();
    await cleared.catch(() => {});
    await offloader.ready();
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it("gives up what runs here, whose end changes nothing any more", async () => {
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { offloader, tasks } = await startApp({ mode: "inline", tasks: { waits: () => over } });
    const handle = offloader.offload("waits", undefined);
    await tasks.waitFor("waits", undefined, "running");
    tasks.restore();
    end();
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it("makes later calls of the kit an error where they would run something", async () => {
    const { tasks } = await startApp();
    tasks.restore();
    for (const call of [() => tasks.drain(), () => tasks.advance(1), async () => tasks.fail("sendMail", new Error())]) {
      expect((await rejection(call())).message).toMatch(/not under test any more, because restore\(\) was called/);
    }
  });
});

describe("the calls of the kit", () => {
  it("work destructured, and their errors still point at the line of the test", async () => {
    const { offloader, tasks } = await startApp();
    const { offloaded, assertOffloaded, assertNothingOffloaded, drain, waitFor, clear } = tasks;
    const stack = expect.stringMatching(/offloaded\n {4}at [^\n]*lifecycle\.test\.ts/);
    expect(() => assertOffloaded("sendMail")).toThrow(expect.objectContaining({ stack }));
    offloader.offload("sendMail");
    assertOffloaded("sendMail");
    expect(await drain()).toMatchObject({ succeeded: 1 });
    await waitFor("sendMail", undefined, "succeeded");
    expect(offloaded()).toHaveLength(1);
    await clear();
    assertNothingOffloaded();
  });
});

describe("an offloader that is closed while it is under test", () => {
  it("waits for nothing that was kept", async () => {
    const { offloader } = await startApp();
    const kept = offloader.offload("sendMail");
    await offloader.close({ timeout: 20_000 });
    expect(kept.state).toBe("cancelled");
  });

  it("is closed by closeAll(), and so is every other one under test", async () => {
    const [one, two] = [makeOffloader(), makeOffloader()];
    const tasks = testing(one);
    testing(two, { mode: "inline" });
    two.offload("waits", undefined);
    await tasks.closeAll();
    for (const offloader of [one, two])
      expect(thrownBy(() => offloader.offload("sendMail")).code).toBe("AR_SHUTTING_DOWN");
    await tasks.closeAll();
  });
});

describe("two copies of the library in one process", () => {
  it("are told apart: the kit of one refuses the offloader of the other", async () => {
    const folder = makeDirectory("copy");
    await cp(path.join(root, "dist"), path.join(folder, "dist"), { recursive: true });
    await cp(path.join(root, "package.json"), path.join(folder, "package.json"));
    await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    const other = await import(pathToFileURL(path.join(folder, "dist/testing.js")).href);
    const offloader = makeOffloader();
    expect(thrownBy(() => other.testing(offloader))).toMatchObject({
      code: "AR_INVALID_ARGUMENT",
      message: expect.stringMatching(
        /two copies of offload-after-response: load both by `import`, or both by `require`/,
      ),
    });
    const tasks = testing(offloader);
    onTestFinished(() => tasks.restore());
    expect(() => other.matchers.toHaveOffloaded(offloader, "sendMail")).toThrow(/two copies of offload-after-response/);
    expect(() => other.matchers.toHaveOffloaded(tasks, "sendMail")).toThrow(/two copies of offload-after-response/);
    expect(matchers.toHaveOffloaded(offloader, "sendMail").pass).toBe(false);
  });
});

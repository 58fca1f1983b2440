import { describe, expect, it } from "vitest";
import { Deadline } from "../../../src/shutdown/steps/deadline.js";
import { type NamedHook, namedHook, runHooks, type ShutdownHook } from "../../../src/shutdown/steps/hooks.js";
import { FakeTarget } from "../fake-target.js";

async function run(
  hooks: (ShutdownHook | NamedHook)[],
  timeout = 10_000,
): Promise<{ failed: string[]; lines: string[] }> {
  const { logger, lines } = new FakeTarget();
  const deadline = new Deadline(performance.now() + timeout, 0);
  return { failed: await runHooks(hooks.map(namedHook), { reason: "SIGTERM", deadline, logger }), lines };
}

describe("the hooks", () => {
  it("run one after the other, the last first, and are told the reason", async () => {
    const order: string[] = [];
    const hook = (name: string) => async (shutdown: { reason: string }) => {
      order.push(`${name} begins for ${shutdown.reason}`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
    };
    const { failed } = await run([hook("database"), hook("queue")]);
    expect(failed).toEqual([]);
    expect(order).toEqual(["queue begins for SIGTERM", "queue ends", "database begins for SIGTERM", "database ends"]);
  });

  it("run although one throws, one rejects and one throws nothing", async () => {
    const order: string[] = [];
    const { failed, lines } = await run([
      function last() {
        order.push("last");
      },
      function throws() {
        throw new Error("no");
      },
      () => Promise.reject(new Error("no")),
      { name: "empty", run: () => Promise.reject() },
    ]);
    expect(order).toEqual(["last"]);
    expect(failed).toEqual(["empty", "hook 3", "throws"]);
    expect(lines[1]).toBe("error: shutdown: the hook hook 3 failed, going on without it");
  });

  it("are given up after their own time", async () => {
    const { failed } = await run([{ name: "hangs", run: () => new Promise(() => {}), timeout: 20 }]);
    expect(failed).toEqual(["hangs"]);
  });

  it("leave each other a share of the time that is left", async () => {
    const startedAt = performance.now();
    let left = 0;
    const { failed } = await run(
      [
        function first() {
          left = 600 - (performance.now() - startedAt);
        },
        () => new Promise(() => {}),
      ],
      600,
    );
    expect(failed).toEqual(["hook 2"]);
    expect(left).toBeGreaterThan(100);
  });
});

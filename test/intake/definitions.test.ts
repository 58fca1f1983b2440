import { expect, it } from "vitest";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { Definitions } from "../../src/intake/definitions.js";
import { recordingLogger } from "../support/tasks.js";

function create(): Definitions {
  return new Definitions({ defaults: defaultPolicy, policies: new Map(), logger: recordingLogger().logger });
}

it("a name of 1 MB is refused before the names are known, because each name would be kept, and the message is short", () => {
  const definitions = create();
  expect(() => definitions.task("x".repeat(1e6))).toThrow(
    /^expected the name of a task, of at most 1000 characters, got "x{57}\.\.\." of 1000000$/,
  );
  expect(definitions.task("x".repeat(1_000)).name).toHaveLength(1_000);
});

it("a name of 1 MB is unknown once the names are known, and the message is short", () => {
  const definitions = create();
  definitions.learn(["echo"]);
  expect(() => definitions.task("x".repeat(1e6))).toThrow(/^.{1,200}$/);
});

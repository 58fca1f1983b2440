// The thread of an engine at its end: how long the broker is waited for.
import { expect, it } from "vitest";
import type { FromEngine } from "../../../src/engine/remote/protocol.js";
import type { RemoteEngine } from "../../../src/engine/remote/remote-engine.js";
import { EngineService } from "../../../src/engine/remote/thread/service.js";

it.each([
  ["has the rest of the time for its goodbye", true],
  ["is not waited for when it is known not to answer", false],
])("a broker %s", async (_title, up) => {
  const given: number[] = [];
  const client: Partial<RemoteEngine> = {
    open: ({ state }) => state(up),
    close: async (deadlineMs) => void given.push(deadlineMs),
  };
  const told: FromEngine["kind"][] = [];
  const service = new EngineService(client as RemoteEngine, ({ kind }) => told.push(kind));
  service.open();
  await service.receive({ kind: "close", deadlineMs: 60_000 });
  expect(given.map((ms) => ms > 0)).toEqual([up]);
  expect(told.at(-1)).toBe("closed");
});

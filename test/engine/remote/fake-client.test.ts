// The fake broker keeps the contract of remote-engine.ts, so that what is tested with it holds for real ones.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { FakeBroker } from "../../support/fake-broker/broker.mjs";
import { connect } from "../../support/fake-broker/client.mjs";
import { describeRemoteEngine } from "./conformance.js";

let broker: FakeBroker;

beforeAll(async () => {
  broker = await FakeBroker.start();
  broker.refused.add("poison");
});

afterAll(() => broker.down());

const program = fileURLToPath(new URL("../../support/fake-broker/die.mjs", import.meta.url));

describeRemoteEngine("the fake broker", (queue) => connect({ port: broker.port, queue }), {
  async dieWithTask(queue) {
    const child = fork(program, [String(broker.port), queue]);
    await once(child, "exit");
  },
  loseLock: async (queue, id) => broker.loseLock(queue, id),
  kill: () => broker.down(),
  restart: () => broker.up(),
  freeze: async () => broker.freeze(),
  thaw: async () => broker.thaw(),
  poison: { name: "poison" },
});

// Offloaders with the fake broker as their engine.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { EngineChoice, OffloaderOptions } from "offload-after-response";
import { onTestFinished } from "vitest";
import type { EngineTask, RemoteEngine } from "../../../src/engine/remote/remote-engine.js";
import { makeDirectory } from "../../support/directory.js";
import { FakeBroker } from "../../support/fake-broker/broker.mjs";
import { connect } from "../../support/fake-broker/client.mjs";
import { Gate } from "../../support/gate.js";
import { type Watched, watch } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { choiceOf } from "./choice.js";

let queues = 0;

type Options = Partial<Omit<OffloaderOptions, "tasks" | "logger">>;

/** A broker, a queue of it, and the processes around it: offloaders here stand for them. */
export class Cluster {
  readonly queue = `queue-${queues++}`;
  readonly gate: Gate = new Gate();

  private constructor(readonly broker: FakeBroker) {}

  static async start(): Promise<Cluster> {
    const broker = await FakeBroker.start();
    onTestFinished(() => broker.down());
    return new Cluster(broker);
  }

  get choice(): EngineChoice {
    return choiceOf(this.broker.port, this.queue);
  }

  /** A web process, with a journal unless the options say otherwise. */
  web(options: Options = {}): Watched {
    return watch("engine.mjs", {
      name: `web-${queues++}`,
      engine: this.choice,
      role: "dispatch",
      journal: { dir: makeDirectory("engine") },
      ...options,
    });
  }

  /** A worker process. */
  worker({ pool, ...options }: Options = {}): Watched {
    return watch("engine.mjs", {
      name: `worker-${queues++}`,
      engine: this.choice,
      role: "work",
      pool: { maxThreads: 2, workerData: { gate: this.gate.memory }, ...pool },
      ...options,
    });
  }

  /** A client that is up, for a test that is the other side itself. */
  async client(): Promise<RemoteEngine> {
    const client = connect({ port: this.broker.port, queue: this.queue });
    onTestFinished(() => client.close(500));
    await new Promise<void>((resolve) => client.open({ state: (up) => up && resolve() }));
    return client;
  }

  /** Another worker process takes one task and is killed. Resolves when the broker has noticed. */
  async dieWithTask(): Promise<void> {
    const program = fileURLToPath(new URL("../../support/fake-broker/die.mjs", import.meta.url));
    const child = fork(program, [String(this.broker.port), this.queue]);
    await once(child, "exit");
    await until(() => this.tasks.every(({ id }) => this.stateOf(id) !== "running"), "the broker to notice a death");
  }

  stateOf(id: string): ReturnType<FakeBroker["stateOf"]> {
    return this.broker.stateOf(this.queue, id);
  }

  /** The tasks that the broker has, in their order. */
  get tasks(): EngineTask[] {
    return this.broker.tasks(this.queue);
  }
}

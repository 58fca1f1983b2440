// A gate between a test and its tasks, in shared memory: tasks that have come to it stop there until the test opens it.
// Their side is test/fixtures/gate.mjs.
import { until } from "./until.js";

export class Gate {
  /** Goes into the payload. `[0]`: 1 once open; `[1]`: how many tasks have come. */
  readonly memory: Int32Array = new Int32Array(new SharedArrayBuffer(8));

  /** How many tasks have come to it, those that have gone on included. */
  get arrived(): number {
    return Atomics.load(this.memory, 1);
  }

  /** Resolves once `count` tasks have come. */
  arrival(count = 1): Promise<void> {
    return until(() => this.arrived >= count, `the arrival of ${count} at the gate`);
  }

  open(): void {
    Atomics.store(this.memory, 0, 1);
    Atomics.notify(this.memory, 0);
  }
}

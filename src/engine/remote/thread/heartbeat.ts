// Whether the broker answers: asked every second, because a frozen one keeps its connections.
import { clearTicker, inTime, setTicker } from "../../../base/time.js";
import type { RemoteEngineEvents } from "../remote-engine.js";

const everyMs = 1_000;
const patienceMs = 2_000;

export class Heartbeat {
  #stop = (): void => {};
  #isAsking = false;
  #ask = (): void => {};

  /** @param ask rejects if the broker cannot be reached */
  constructor(private readonly ask: () => Promise<void>) {}

  start(events: RemoteEngineEvents): void {
    let up: boolean | undefined;
    const tell = (isUp: boolean, error?: Error): void => {
      if (isUp === up) return;
      up = isUp;
      events.state(isUp, error);
    };
    this.#ask = () => {
      if (this.#isAsking) return;
      this.#isAsking = true;
      let error = new Error("it does not answer");
      const answer = this.ask().catch((reason: unknown) => {
        error = reason instanceof Error ? reason : new Error(String(reason));
        throw error;
      });
      void inTime(answer, patienceMs)
        .then(
          (isInTime) => tell(isInTime, isInTime ? undefined : error),
          () => tell(false, error),
        )
        .finally(() => {
          this.#isAsking = false;
        });
    };
    const asking = setTicker(() => this.#ask(), everyMs);
    this.#stop = () => clearTicker(asking);
    this.#ask();
  }

  /** Something has failed: the next question is due. */
  hurry(): void {
    this.#ask();
  }

  stop(): void {
    this.#stop();
    this.#ask = () => {};
  }
}

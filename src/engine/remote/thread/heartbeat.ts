// Whether the broker answers: asked every second, because a frozen one keeps its connections.
import { clearTicker, inTime, setTicker } from "../../../base/time.js";
import type { RemoteEngineEvents } from "../remote-engine.js";

const everyMs = 1_000;
const patienceMs = 2_000;

export class Heartbeat {
  #stop = (): void => {};
  #isAsking = false;
  #ask = (): void => {};

  /**
   * @param ask rejects if the broker cannot be reached
   * @param why what the connections have told last, for where there is no answer
   */
  constructor(
    private readonly ask: () => Promise<void>,
    private readonly why: () => Error | undefined = () => undefined,
  ) {}

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
      void inTime(this.ask(), patienceMs)
        .then(
          (isInTime) => tell(isInTime, isInTime ? undefined : (this.why() ?? new Error("it does not answer"))),
          (reason: unknown) => tell(false, reason instanceof Error ? reason : new Error(String(reason))),
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

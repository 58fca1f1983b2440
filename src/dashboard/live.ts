// Keeps the open pages up to date: once a second, twice a second during a shutdown, and not at all while nobody looks.
import { clearTicker, setTicker, type Timer } from "../base/time.js";
import type { Offloader } from "../contract.js";
import { currentShutdown } from "../shutdown/process/registry.js";
import type { NodeResponse } from "./http/exchange.js";
import { eventText, Streams } from "./http/streams.js";
import type { Access } from "./options.js";
import { Failures } from "./see/failures.js";
import { Letters } from "./see/letters.js";
import { Samples } from "./see/samples.js";
import { View, type ViewParts } from "./see/view.js";

const every = 1_000;
const everyInDrain = 500;
/** So long before the open requests are cut off, a stream says its last word. */
const beforeCutOff = 1_000;
const mostFailures = 20;

export class Live {
  readonly letters: Letters;
  readonly failures: Failures = new Failures();
  readonly #offloader: Offloader;
  readonly #view: View;
  readonly #samples: Samples;
  readonly #streams = new Streams((isWatched) => this.#watch(isWatched));
  #ticker: Timer | undefined;
  #sentVersions = { failures: 0, letters: 0 };
  #endsWithShutdown = false;

  constructor(parts: ViewParts, signal: AbortSignal | undefined) {
    const { offloader } = parts;
    this.#offloader = offloader;
    this.letters = new Letters(offloader);
    this.#view = new View(parts);
    this.#samples = new Samples(() => this.#view.sample());
    offloader.on("failed", (event) => this.failures.add(event, true));
    offloader.on("retrying", (event) => this.failures.add(event, false));
    offloader.on("draining", () => this.#draining());
    offloader.on("drained", () => this.#end());
    signal?.addEventListener("abort", () => this.#end(), { once: true });
    if (signal?.aborted) this.#end();
  }

  /** @returns false where no other page can be open */
  async add(res: NodeResponse, access: Access): Promise<boolean> {
    await this.letters.refresh();
    if (!this.#streams.hasRoom) return false;
    const hello = { ...this.#view.fixed(), access, samples: this.#samples.all() };
    const first = [eventText("hello", hello), this.#failuresText(), this.#lettersText(), this.#stateText()];
    this.#streams.add(res, first.join(""));
    return true;
  }

  /** Something was done: everybody sees it at once. */
  async refresh(): Promise<void> {
    await this.letters.refresh(true);
    this.#tick(true);
  }

  #watch(isWatched: boolean): void {
    if (!isWatched) {
      clearTicker(this.#ticker);
      this.#ticker = undefined;
      return;
    }
    this.#tickEvery(every);
    if (currentShutdown()?.course !== undefined) this.#draining();
  }

  #tickEvery(ms: number): void {
    const { loop } = this.#view;
    clearTicker(this.#ticker);
    loop.start(ms);
    this.#ticker = setTicker(() => {
      loop.tick(ms);
      this.#tick();
    }, ms);
  }

  #tick(isWhole = false): void {
    if (this.#streams.size === 0) return;
    void this.letters.refresh();
    let text = "";
    if (this.#sentVersions.failures !== this.failures.version) text += this.#failuresText();
    if (this.#sentVersions.letters !== this.letters.version) text += this.#lettersText();
    this.#sentVersions = { failures: this.failures.version, letters: this.letters.version };
    this.#streams.send(text + this.#stateText(isWhole));
    const course = currentShutdown()?.course;
    if (course !== undefined && course.requestsLeftMs < beforeCutOff) this.#end();
  }

  #draining(): void {
    const shutdown = currentShutdown();
    if (this.#ticker !== undefined && shutdown?.course !== undefined) {
      this.#tickEvery(everyInDrain);
      this.#endWith(shutdown.signal);
    }
    this.#tick();
  }

  /**
   * The shutdown waits for every open request. Until its work is done that costs nothing, because it waits for the work too, and the
   * page shows the drain meanwhile.
   */
  #endWith(signal: AbortSignal): void {
    if (this.#endsWithShutdown) return;
    this.#endsWithShutdown = true;
    const end = (): void => void this.#offloader.idle().then(() => this.#end());
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  #end(): void {
    this.#samples.stop();
    this.#streams.end(this.#stateText() + eventText("bye", { leftMs: currentShutdown()?.course?.leftMs ?? null }));
  }

  #stateText(isWhole = true): string {
    return eventText("state", this.#view.state(this.#streams.size, isWhole));
  }

  #failuresText(): string {
    const groups = this.failures.all().slice(0, mostFailures);
    return eventText("failures", {
      unseen: this.failures.unseen,
      // The stack is long, and asked for by id.
      groups: groups.map(({ stack: _, ...group }) => group),
    });
  }

  #lettersText(): string {
    return eventText("letters", this.letters.shown());
  }
}

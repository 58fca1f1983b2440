// Warns once when the queue fills up, because what is refused later is refused for this.
import type { Logger } from "../../base/logger.js";
import type { Events } from "../events.js";
import type { Ledger } from "../ledger.js";
import { lines, write } from "./lines.js";

export interface QueueWatchParts {
  readonly ledger: Ledger;
  readonly events: Events;
  readonly logger: Logger;
  readonly limits: { readonly max: number; readonly maxBytes: number };
}

/** It warns when the queue is this full, and again after it was emptier than the second. */
const fullFrom = 0.8;
const emptyFrom = 0.6;

export class QueueWatch {
  #isFull = false;

  constructor(private readonly parts: QueueWatchParts) {}

  /** A task was accepted. */
  look(): void {
    const { unfinished, bytes } = this.parts.ledger;
    const { max, maxBytes } = this.parts.limits;
    const share = this.#isFull ? emptyFrom : fullFrom;
    const isFull = unfinished > max * share || bytes > maxBytes * share;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.parts.events.later(() => this.#warn());
  }

  #warn(): void {
    const { ledger, logger, limits } = this.parts;
    const { unfinished, bytes } = ledger;
    write(logger, lines.queueFull, { unfinished, max: limits.max, bytes, maxBytes: limits.maxBytes });
  }
}

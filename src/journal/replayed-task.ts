// A task that this process runs, although another one accepted it or it was a dead letter.
import type { StoredTask } from "../store/store.js";
import type { JournalEntry } from "./log/segment.js";

export interface ReplayedTask extends StoredTask {
  readonly entry: JournalEntry;
}

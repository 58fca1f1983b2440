// The store of an offloader that has an engine and no journal: nothing outlives the process. What is kept of a task is made when its
// queue gets it, and a payload that cannot travel is refused at the call as a journal would.
import type { Captured } from "../core/payload/payload.js";
import { isFinal } from "../core/states.js";
import type { Task } from "../core/task.js";
import { NoStore } from "../store/no-store.js";
import type { KeptContent, Store } from "../store/store.js";
import { encodeContent, encodeToTravel } from "./format/content.js";

const noOptions = {};

/** What it keeps of a task that leaves are the options of its call. */
export class MemoryStore extends NoStore implements Store {
  override accept(task: Task, whole: Captured, lasting: object | undefined, mostBytes?: number): void {
    if (mostBytes === undefined) return;
    encodeToTravel({ ...contentOf(task, lasting), payload: whole }, mostBytes);
    task.record = lasting ?? noOptions;
  }

  override has(task: Task): boolean {
    return task.record !== undefined;
  }

  override contentOf(task: Task): KeptContent {
    const { encoding, chunks } = encodeContent(contentOf(task, task.record === noOptions ? undefined : task.record));
    return { encoding, bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks) };
  }

  override undo(task: Task): void {
    task.record = undefined;
  }

  override moved(task: Task): void {
    if (isFinal(task.state)) task.record = undefined;
  }
}

function contentOf({ payload, context, parent, carrier }: Task, dispatch: object | undefined) {
  return { payload, dispatch, context, parent, carrier };
}

// The message that brings tasks to the engine's thread, as arrays side by side. Of a task on record it says where the record is, and the
// thread reads it: to read it here and to send it takes as long as the dispatch. Of another, the content comes along.
import { since } from "../../base/ticks.js";
import { wallClock } from "../../base/time.js";
import type { Priority } from "../../core/definition.js";
import type { Task } from "../../core/task.js";
import type { KeptContent, KeptRecord } from "../../store/store.js";
import type { EngineThread } from "./engine-thread.js";
import type { TaskHead } from "./protocol.js";
import type { EngineTaskHead } from "./remote-engine.js";

const mostTasks = 500;
const mostBytes = 1024 * 1024;

const priorities: Record<Priority, 1 | 2 | 3> = { high: 1, normal: 2, low: 3 };

/** What the queue is told of a task beside its content. */
export function headOf({ id, definition, dispatch, acceptedAt }: Task): EngineTaskHead {
  return {
    id,
    name: definition.name,
    priority: priorities[dispatch.priority],
    attempts: dispatch.attempts,
    key: dispatch.key,
    acceptedAt: Math.round(wallClock() - since(acceptedAt)),
  };
}

export class ForwardMessage {
  readonly #seqs: number[] = [];
  readonly #ids: string[] = [];
  readonly #priorities: (1 | 2 | 3)[] = [];
  readonly #attempts: number[] = [];
  readonly #keys: (string | undefined)[] = [];
  readonly #paths: string[] = [];
  readonly #places: number[] = [];
  readonly #heads: TaskHead[] = [];
  readonly #chunks: Uint8Array[] = [];
  #count = 0;
  #length = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count >= mostTasks || this.#length >= mostBytes;
  }

  /** @returns the bytes of its record */
  addRecord({ seq, dispatch }: Task, { id, path, offset, length }: KeptRecord): number {
    if (this.#paths.at(-1) !== path) this.#paths.push(path);
    this.#seqs.push(seq);
    this.#ids.push(id);
    this.#priorities.push(priorities[dispatch.priority]);
    this.#attempts.push(dispatch.attempts);
    if (dispatch.key !== undefined) this.#keys[this.#seqs.length - 1] = dispatch.key;
    this.#places.push(this.#paths.length - 1, offset, length);
    return this.#added(length);
  }

  /** @returns the bytes of its content */
  addContent(task: Task, content: KeptContent): number {
    // A copy, because the next read uses the memory again. The slice() of a Buffer is none.
    const bytes = new Uint8Array(content.bytes);
    this.#heads.push({ ...headOf(task), seq: task.seq, encoding: content.encoding, length: bytes.length });
    this.#chunks.push(bytes);
    return this.#added(bytes.length);
  }

  #added(bytes: number): number {
    this.#count++;
    this.#length += bytes;
    return bytes;
  }

  post(thread: Pick<EngineThread, "post">): void {
    if (this.#seqs.length > 0) {
      const [seqs, ids, keys, paths, places] = [this.#seqs, this.#ids, this.#keys, this.#paths, this.#places];
      const records = { seqs, ids, priorities: this.#priorities, attempts: this.#attempts, keys, paths, places };
      thread.post({ kind: "forward-records", records });
    }
    if (this.#heads.length > 0) {
      const bytes = new Uint8Array(Buffer.concat(this.#chunks));
      thread.post({ kind: "forward", heads: this.#heads, bytes }, [bytes.buffer]);
    }
  }
}

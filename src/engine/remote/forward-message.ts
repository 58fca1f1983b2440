// The message that brings tasks to the engine's thread: a head for each, and their contents one behind the other in one buffer, which
// moves instead of being cloned.
import { since } from "../../base/ticks.js";
import { wallClock } from "../../base/time.js";
import type { Priority } from "../../core/definition.js";
import type { Task } from "../../core/task.js";
import type { KeptContent } from "../../store/store.js";
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
  readonly #heads: TaskHead[] = [];
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#heads.length === 0;
  }

  get isFull(): boolean {
    return this.#heads.length >= mostTasks || this.#length >= mostBytes;
  }

  /** @returns the bytes of its content */
  add(task: Task, content: KeptContent): number {
    // A copy, because the next read uses the memory again. The slice() of a Buffer is none.
    const bytes = new Uint8Array(content.bytes);
    this.#heads.push({ ...headOf(task), encoding: content.encoding, length: bytes.length });
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return bytes.length;
  }

  post(thread: Pick<EngineThread, "post">): void {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    thread.post({ kind: "forward", heads: this.#heads, bytes }, [bytes.buffer]);
  }
}

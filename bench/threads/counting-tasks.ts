// The tasks of the guard: those of the benchmarks, in a thread that counts how often it is asked for subscribers of a channel.
import { Channel } from "node:diagnostics_channel";
import * as tasks from "./tasks.js";

export const { fail, tiny, validate } = tasks;

let questions = 0;
Object.defineProperty(Channel.prototype, "hasSubscribers", {
  get() {
    questions++;
    return false;
  },
});

/** How often until now. */
export function questionsAsked(): number {
  return questions;
}

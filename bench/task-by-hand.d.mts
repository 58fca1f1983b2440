import type { ServerResponse } from "node:http";

export interface TasksByHand {
  leave(res: ServerResponse, n: number): void;
  /** Resolves when every task has ended. */
  settled(): Promise<void> | undefined;
  close(): Promise<number>;
}

/** @param key is in the payload of each task */
export function tasksByHand(key: string): Promise<TasksByHand>;

// What the HTTP benchmarks ask of a contender: how a request's work gets done. Each is a file beside this one.
import type { Request, Response } from "express";

/** The work that a request leaves. */
export interface Work {
  readonly key: string;
  /** See bench/threads/tasks.ts. */
  readonly iterations: number;
}

export interface ExpressContender {
  /** Answers the request with 202 and `work.key`, and has the work done. */
  handle(req: Request, res: Response, work: Work): void | Promise<void>;
  /** How many works have been done. */
  completed(): number | Promise<number>;
  close(): unknown;
}

/** Starts the contender with this many threads, all up when it resolves. */
export type OpenExpress = (threads: number) => Promise<ExpressContender>;

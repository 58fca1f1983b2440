// Terminable middleware: a callback after every response that passes through, in the form each framework calls it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../base/logger.js";
import type { ResponseOutcome } from "../core/outcome.js";
import type { ResponseLike } from "./response-like.js";

/** Called after every response: how it ended, and how long it took (`outcome.durationMs`). */
export type EachResponseCallback<Request = IncomingMessage, Response = ServerResponse> = (
  request: Request,
  response: Response,
  outcome: ResponseOutcome,
) => unknown;

/** Middleware of Express, Connect and NestJS, and an `onRequest` hook of Fastify. */
export type EachResponseMiddleware<Request = IncomingMessage, Response = ServerResponse> = (
  request: Request,
  response: Response,
  next: () => void,
) => void;

/** The same where one object is both request and response. */
export type EachContextCallback<Context> = (context: Context, outcome: ResponseOutcome) => unknown;

/** Middleware of Koa, and of Hono on node-server. */
export type EachContextMiddleware<Context> = <Next>(context: Context, next: () => Next) => Next;

/** Registers a callback for a response; throws where it is refused. */
export type Register = (response: ResponseLike, run: (context: { outcome: ResponseOutcome }) => unknown) => void;

export class AfterEach {
  constructor(
    private readonly register: Register,
    private readonly logger: Logger,
  ) {}

  response<Request, Response extends ResponseLike>(
    callback: EachResponseCallback<Request, Response>,
  ): EachResponseMiddleware<Request, Response> {
    return (request, response, next) => {
      this.#note(response, callback, (outcome) => callback(request, response, outcome));
      next();
    };
  }

  context<Context extends ResponseLike>(callback: EachContextCallback<Context>): EachContextMiddleware<Context> {
    return (context, next) => {
      this.#note(context, callback, (outcome) => callback(context, outcome));
      return next();
    };
  }

  #note(response: ResponseLike, { name }: { name: string }, run: (outcome: ResponseOutcome) => unknown): void {
    try {
      this.register(response, ({ outcome }) => run(outcome));
    } catch (error) {
      // The request did not ask for this callback: it is served all the same, and the loss is told.
      this.logger.error({ err: error, callback: name }, "the callback of every response was refused for one");
    }
  }
}

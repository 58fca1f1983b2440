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

/** Registers a callback for a response; throws when the callback is refused. */
export type Register = (response: ResponseLike, run: (context: { outcome: ResponseOutcome }) => unknown) => void;

export class AfterEach {
  readonly #register: Register;
  readonly #logger: Logger;

  constructor(register: Register, logger: Logger) {
    this.#register = register;
    this.#logger = logger;
  }

  response<Request, Response extends ResponseLike>(
    callback: EachResponseCallback<Request, Response>,
  ): EachResponseMiddleware<Request, Response> {
    return (request, response, next) => {
      this.#add(response, callback, (outcome) => callback(request, response, outcome));
      next();
    };
  }

  context<Context extends ResponseLike>(callback: EachContextCallback<Context>): EachContextMiddleware<Context> {
    return (context, next) => {
      this.#add(context, callback, (outcome) => callback(context, outcome));
      return next();
    };
  }

  #add(response: ResponseLike, { name }: { name: string }, run: (outcome: ResponseOutcome) => unknown): void {
    try {
      this.#register(response, ({ outcome }) => run(outcome));
    } catch (error) {
      // The request is served all the same, because it did not ask for this callback. The log says what was lost.
      this.#logger.error({ err: error, callback: name }, "the callback of every response was refused for one");
    }
  }
}

// Terminable middleware: a callback after every response that passes through, in the form each framework calls it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResponseCarrier } from "./response/carrier.js";
import type { Logger } from "./task/logger.js";
import type { ResponseOutcome } from "./task/outcome.js";

/** Called after every response: how it ended, and how long it took (`outcome.durationMs`). */
export type EachResponseCallback<Request, Response> = (
  request: Request,
  response: Response,
  outcome: ResponseOutcome,
) => unknown;

/**
 * Middleware of Express, Connect and NestJS (`(req, res, next)`), an `onRequest` hook of Fastify (`(request, reply, done)`),
 * and, with the context as both request and response, middleware of Koa and Hono (`(context, next)`).
 */
export interface EachResponseMiddleware<Request, Response> {
  (request: Request, response: Response, next: (error?: unknown) => void): void;
  <Context extends Request & Response, Next>(context: Context, next: () => Next): Next;
}

/** Registers a callback for a response. */
export type Register = (response: ResponseCarrier, run: (context: { outcome: ResponseOutcome }) => unknown) => void;

export function afterEachResponse<Request = IncomingMessage, Response extends ResponseCarrier = ServerResponse>(
  callback: EachResponseCallback<Request, Response>,
  register: Register,
  logger: Logger,
): EachResponseMiddleware<Request, Response> {
  const note = (request: Request, response: Response): void => {
    try {
      register(response, ({ outcome }) => callback(request, response, outcome));
    } catch (error) {
      // The request did not ask for this callback: it is served all the same, and the loss is told.
      logger.error(
        { err: error, callback: callback.name },
        "afterEachResponse: the callback of a response was refused",
      );
    }
  };
  const middleware = (first: Request & Response, second: unknown, next?: (error?: unknown) => void): unknown => {
    if (typeof second === "function") {
      note(first, first);
      return second();
    }
    note(first, second as Response);
    return next?.();
  };
  return middleware as EachResponseMiddleware<Request, Response>;
}

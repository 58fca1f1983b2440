// One way of shutting a server down, with tasks that run after the response.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Order } from "../tasks.js";

export interface Method {
  /** Runs the task once the response is over. */
  dispatch(res: ServerResponse, order: Order): void;
  /** Answers the balancer's probe. */
  readyz(req: IncomingMessage, res: ServerResponse): void;
}

/**
 * Sets the method up on a server, as its documentation says.
 *
 * @param drainDelay how long to go on serving after the signal, in ms, for methods that can
 */
export type Install = (server: Server, drainDelay: number) => Method | Promise<Method>;

/** A probe for methods that have none of their own: the server is ready as long as it answers. */
export const alwaysReady: RequestListener = (_req, res) => {
  res.end();
};

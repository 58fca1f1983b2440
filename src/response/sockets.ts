// One close listener per HTTP/1 connection, however many responses it carries.
import type { Socket } from "node:net";

interface Waiting {
  settle(finished: boolean): void;
}

// The responses that wait stand in the socket itself: a WeakMap costs each task of a response some 0.5 us more.
const waiting: unique symbol = Symbol("after-response.waiting");

type Followed = Socket & { [waiting]?: Set<Waiting> };

/**
 * The last resort for a response: its connection closes. Up to Node 22 a pipelined response whose connection dies
 * before its turn has no event of its own, nor has one that was detached from its socket.
 */
export function settleOnSocketClose(socket: Followed, response: Waiting): void {
  let responses = socket[waiting];
  if (responses === undefined) {
    const all = new Set<Waiting>();
    responses = all;
    socket[waiting] = all;
    socket.once("close", () => {
      for (const each of all) each.settle(false);
    });
  }
  responses.add(response);
}

export function forgetSocket(socket: Followed, response: Waiting): void {
  socket[waiting]?.delete(response);
}

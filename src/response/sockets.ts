// One close listener per HTTP/1 connection, however many responses it carries.
import type { Socket } from "node:net";

interface Waiting {
  settle(finished: boolean): void;
}

/** The responses of a connection that wait for its close: one, or with pipelining some. */
export type Followers = Waiting[];

// They stand in the socket itself, in an array: a WeakMap or a Set costs each task of a response half a microsecond more.
const followers: unique symbol = Symbol("offload-after-response.followers");

type Followed = Socket & { [followers]?: Followers };

/**
 * The last resort for a response: its connection closes. Up to Node 22 a pipelined response whose connection dies
 * before its turn has no event of its own, nor has one that was detached from its socket.
 *
 * @returns what it is to be taken out of when it is over
 */
export function settleOnSocketClose(socket: Followed, response: Waiting): Followers {
  let all = socket[followers];
  if (all === undefined) {
    const made: Followers = [];
    all = made;
    socket[followers] = made;
    socket.once("close", () => {
      // Each takes itself out.
      for (const each of [...made]) each.settle(false);
    });
  }
  all.push(response);
  return all;
}

export function forget(response: Waiting, from: Followers): void {
  // Responses of one connection end in their order, so it is the first.
  if (from[0] === response) from.shift();
  else from.splice(from.indexOf(response), 1);
}

// The last resort for a response: its connection closes. One listener per HTTP/1 connection serves all its responses.
import type { Socket } from "node:net";

/** A response that waits for the close of its connection. */
export interface Follower {
  end(finished: boolean): void;
  /** The next one on the same connection, with pipelining. */
  nextOnSocket: Follower | undefined;
}

/** The responses of a connection that wait for its close, in their order: a linked list, because an array costs each response 200 bytes. */
export class Followers {
  #first: Follower | undefined;
  #last: Follower | undefined;

  add(follower: Follower): void {
    if (this.#last === undefined) this.#first = follower;
    else this.#last.nextOnSocket = follower;
    this.#last = follower;
  }

  remove(follower: Follower): void {
    let before: Follower | undefined;
    // Responses of one connection end in their order, so it is the first.
    for (let each = this.#first; each !== follower; each = each.nextOnSocket) {
      if (each === undefined) return;
      before = each;
    }
    if (before === undefined) this.#first = follower.nextOnSocket;
    else before.nextOnSocket = follower.nextOnSocket;
    if (this.#last === follower) this.#last = before;
    follower.nextOnSocket = undefined;
  }

  /** The connection is closed: all of them end, and take themselves out. */
  closed(): void {
    let each = this.#first;
    while (each !== undefined) {
      const next: Follower | undefined = each.nextOnSocket;
      each.end(false);
      each = next;
    }
  }
}

// Kept in the socket itself: a WeakMap costs each task of a response half a microsecond more.
const followers: unique symbol = Symbol("offload-after-response.followers");

type FollowedSocket = Socket & { [followers]?: Followers };

/**
 * Ends the response when its connection closes. Up to Node 22 two kinds of response have no event of their own: a
 * pipelined one whose connection dies before its turn, and one that was detached from its socket.
 *
 * @returns the list that the response is to be removed from when it is over
 */
export function endOnSocketClose(socket: FollowedSocket, response: Follower): Followers {
  let all = socket[followers];
  if (all === undefined) {
    const list = new Followers();
    all = list;
    socket[followers] = list;
    socket.once("close", () => list.closed());
  }
  all.add(response);
  return all;
}

// The responses of one HTTP/1 connection that are not over. A few listeners per connection serve them all: they end with it, and what Node
// emits from its events comes in the contexts of their requests.
import { Socket } from "node:net";
import { atEndOfStep } from "../base/time.js";

/** A response that waits for the close of its connection. */
export interface Follower {
  end(finished: boolean): void;
  /** Has its events come in the context of its request, whatever emits them. */
  keepContext(): void;
  /** The next one on the same connection, with pipelining. */
  nextOnSocket: Follower | undefined;
}

/** In their order: a linked list, because an array costs each response 200 bytes. */
export class Followers {
  #first: Follower | undefined;
  #last: Follower | undefined;

  /** @param isOfNodes whether the connection is a socket of Node's, whose writes end in the context in which they began */
  constructor(private readonly isOfNodes: boolean) {}

  add(follower: Follower): void {
    if (this.#last === undefined) this.#first = follower;
    else this.#last.nextOnSocket = follower;
    this.#last = follower;
    // With pipelining the end of one response emits events of the next, and a write to one that waits those of the first.
    if (this.#first !== follower || !this.isOfNodes) this.keepContexts();
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

  keepContexts(): void {
    for (let each = this.#first; each !== undefined; each = each.nextOnSocket) each.keepContext();
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
    all = new Followers(socket instanceof Socket);
    socket[followers] = all;
    listen(socket, all);
  }
  all.add(response);
  return all;
}

// Before Node's own listeners, which emit the events of requests and responses in the context of the connection.
function listen(socket: Socket, all: Followers): void {
  socket.prependListener("timeout", () => all.keepContexts());
  socket.prependListener("drain", () => all.keepContexts());
  socket.prependListener("close", () => {
    all.keepContexts();
    // Node's listeners give each request its error.
    atEndOfStep(() => all.closed());
  });
}

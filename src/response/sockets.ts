// The last resort for a response: its connection closes. One listener per HTTP/1 connection serves all its responses.
import type { Socket } from "node:net";

/** A response that waits for the close of its connection. */
interface Follower {
  end(finished: boolean): void;
}

/** The responses of a connection that wait for its close: one, or several with pipelining. */
export type Followers = Follower[];

// The array is kept in the socket itself: a WeakMap or a Set costs each task of a response half a microsecond more.
const followers: unique symbol = Symbol("offload-after-response.followers");

type FollowedSocket = Socket & { [followers]?: Followers };

/**
 * Ends the response when its connection closes. Up to Node 22 two kinds of response have no event of their own: a
 * pipelined one whose connection dies before its turn, and one that was detached from its socket.
 *
 * @returns the list that {@link unfollow} takes the response out of when it is over
 */
export function endOnSocketClose(socket: FollowedSocket, response: Follower): Followers {
  let all = socket[followers];
  if (all === undefined) {
    const list: Followers = [];
    all = list;
    socket[followers] = list;
    socket.once("close", () => {
      // A copy, because each response takes itself out of the list.
      for (const each of [...list]) each.end(false);
    });
  }
  all.push(response);
  return all;
}

export function unfollow(response: Follower, list: Followers): void {
  // Responses of one connection end in their order, so it is the first.
  if (list[0] === response) list.shift();
  else list.splice(list.indexOf(response), 1);
}

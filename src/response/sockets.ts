// One close listener per HTTP/1 connection, however many responses it carries.
import type { Socket } from "node:net";

interface Waiting {
  settle(finished: boolean): void;
}

const waiting = new WeakMap<Socket, Set<Waiting>>();

/**
 * The last resort for a response: its connection closes. Up to Node 22 a pipelined response whose connection dies
 * before its turn has no event of its own, nor has one that was detached from its socket.
 */
export function settleOnSocketClose(socket: Socket, response: Waiting): void {
  let responses = waiting.get(socket);
  if (responses === undefined) {
    const all = new Set<Waiting>();
    responses = all;
    waiting.set(socket, all);
    socket.once("close", () => {
      for (const each of all) each.settle(false);
    });
  }
  responses.add(response);
}

export function forgetSocket(socket: Socket, response: Waiting): void {
  waiting.get(socket)?.delete(response);
}

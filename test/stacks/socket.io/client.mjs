// All messages go through one WebSocket.
import { io } from "socket.io-client";

let socket;

export async function request(url, n) {
  socket ??= io(url, { transports: ["websocket"], reconnection: false });
  return Response.json(await socket.timeout(10_000).emitWithAck("work", n));
}

// A response without a server, for tests that only need it to be over.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A response, and what ends it as a client does that goes away. */
export function makeResponse(): { response: ServerResponse; over: () => void } {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  return { response, over: () => void response.emit("close") };
}

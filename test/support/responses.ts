// A response without a server, for tests that only need it to be over.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A response with a connection that goes nowhere, and what ends it as a client does that goes away. */
export function makeResponse(): { response: ServerResponse; over: () => void } {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.assignSocket(new Socket());
  return { response, over: () => void response.emit("close") };
}

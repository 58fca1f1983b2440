// The load of the soak: a steady stream of requests on kept connections, some of which give up before the answer.
import http from "node:http";
import { answer } from "../harness/answer.js";

const giveUpMs = 200;
let timer: NodeJS.Timeout | undefined;
let failed = 0;

answer({
  start({ port, perSecond }: { port: number; perSecond: number }) {
    const agent = new http.Agent({ keepAlive: true });
    timer = setInterval(() => send(agent, port), 1_000 / perSecond);
  },
  /** Resolves to the requests that had no answer. */
  stop(): number {
    clearInterval(timer);
    return failed;
  },
});

function send(agent: http.Agent, port: number): void {
  const request = http.get({ agent, port, host: "127.0.0.1", signal: AbortSignal.timeout(giveUpMs) }, (response) => {
    response.resume();
    response.once("error", () => failed++);
  });
  request.once("error", () => failed++);
}

// What a thread had replied when it died, and the main thread had not heard.
import { MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";

/**
 * Has Piscina hear what a thread had still posted before it hears of the thread's death. Replies and deaths come by
 * different ways, and on a busy machine the death may come first (seen on Node 20 to 26); Piscina then closes the port with
 * the replies in it, and the results of tasks that had ended are lost.
 *
 * @param info what Piscina's balancer is given of the thread; its port is in none of the public fields
 */
export function hearOut(worker: Worker, info: object): void {
  const port = portOf(info);
  if (port === undefined) return;
  const drain = (): void => {
    for (let entry = receiveMessageOnPort(port); entry !== undefined; entry = receiveMessageOnPort(port)) {
      port.emit("message", entry.message);
    }
  };
  // Before Piscina's own listeners. A thread that runs out of memory says so by an error, and exits later.
  worker.prependListener("error", drain);
  worker.prependListener("exit", drain);
}

function portOf(info: object): MessagePort | undefined {
  for (const key of Object.getOwnPropertySymbols(info)) {
    const port: unknown = Reflect.get(Object(Reflect.get(info, key)), "port");
    if (port instanceof MessagePort) return port;
  }
  return undefined;
}

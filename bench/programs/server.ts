// An Express server whose requests leave work, in the way of one contender.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { ways } from "../contenders/express/all.js";
import type { ExpressContender } from "../contenders/express/contender.js";
import { answer } from "../harness/answer.js";
import { meterCommands } from "../harness/meter.js";

let contender: ExpressContender | undefined;

answer({
  /** Resolves to the port. */
  async open({ name, threads, iterations }: { name: string; threads: number; iterations: number }): Promise<number> {
    const open = await ways[name]?.();
    if (open === undefined) throw new Error(`no contender ${name}`);
    const opened = await open(threads);
    contender = opened;
    const app = express();
    let photo = 0;
    app.post("/photos", (req, res) => {
      photo = (photo + 1) % 1_000_000;
      return opened.handle(req, res, { key: `photos/${String(photo).padStart(6, "0")}`, iterations });
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  completed: () => contender?.completed(),
  ...meterCommands(),
  close: () => contender?.close(),
});

// An Express server whose requests leave work, in the way of one contender.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import path from "node:path";
import express from "express";
import { ways } from "../contenders/express/all.js";
import type { ExpressContender, Work } from "../contenders/express/contender.js";
import { answer } from "../harness/answer.js";
import { meterCommands } from "../harness/meter.js";

// The disk keeps the last uploads only.
const keptUploads = 64;

let contender: ExpressContender | undefined;

export interface ServerOrder {
  /** The contender. */
  readonly name: string;
  readonly threads: number;
  readonly iterations: number;
  /** The directory for uploads; without one there is no route for them. */
  readonly uploads?: string;
}

answer({
  /** Resolves to the port. */
  async open({ name, threads, iterations, uploads }: ServerOrder): Promise<number> {
    const open = await ways[name]?.();
    if (open === undefined) throw new Error(`no contender ${name}`);
    const opened = await open(threads);
    contender = opened;
    const app = express();
    let photo = 0;
    const nextWork = (): Work => {
      photo = (photo + 1) % 1_000_000;
      return { key: `photos/${String(photo).padStart(6, "0")}`, iterations };
    };
    // The smallest route there is: no body is read, nothing is done.
    app.post("/photos", (req, res) => opened.handle(req, res, nextWork()));
    // The one that the library is for: a photo is received and kept, and its work is left for later.
    if (uploads !== undefined) {
      app.post("/uploads", express.raw({ type: "image/png", limit: "1mb" }), async (req, res) => {
        const work = nextWork();
        await writeFile(path.join(uploads, `${photo % keptUploads}.png`), req.body);
        await opened.handle(req, res, work);
      });
    }
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  completed: () => contender?.completed(),
  ...meterCommands(),
  close: () => contender?.close(),
});

// What a refused call makes of a request: Express and Fastify answer 503 with Retry-After, with no code of the user's.
import http from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { Gate } from "../support/gate.js";
import { type Watched, watch } from "../support/offloader.js";

/** A server whose one route dispatches and answers 202; returns its URL. */
type Serve = (watched: Watched, payload: object) => Promise<string>;

async function listening(server: http.Server): Promise<string> {
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function withExpress(create: typeof express): Serve {
  return (watched, payload) => {
    const app = create();
    // Otherwise Express prints the stack of each error.
    app.set("env", "test");
    app.get("/", (_req, res) => {
      watched.offloader.offloadAfterResponse(res, "waiting", payload);
      res.status(202).end();
    });
    return listening(http.createServer(app));
  };
}

const frameworks: Readonly<Record<string, Serve>> = {
  "Express 5": withExpress(express),
  "Express 4": withExpress(express4 as unknown as typeof express),
  async Fastify(watched, payload) {
    const app = fastify();
    app.get("/", async (_request, reply) => {
      watched.offloader.offloadAfterResponse(reply, "waiting", payload);
      return reply.code(202).send();
    });
    await app.ready();
    return listening(app.server);
  },
};

for (const [name, serve] of Object.entries(frameworks)) {
  describe(`${name}`, () => {
    it("answers 503 with Retry-After while the queue is full, and 202 again when there is room", async () => {
      const watched = watch("tasks.mjs", { pool: { maxThreads: 1 }, queue: { max: 2 } });
      const gate = new Gate();
      const url = await serve(watched, { gate: gate.cells });
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await fetch(url));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 503, 503]);
      expect(answers.map(({ headers }) => headers.get("retry-after"))).toEqual([null, null, "1", "1"]);
      gate.open();
      await watched.offloader.idle();
      expect(watched.offloader.stats()).toMatchObject({ succeeded: 2, failed: 0, unfinished: 0 });
      expect((await fetch(url)).status).toBe(202);
    });

    it("answers 503 once the offloader is closed", async () => {
      const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
      const url = await serve(watched, {});
      await watched.offloader.close();
      const { status, headers } = await fetch(url);
      expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
    });

    it("answers 503 when the tasks module cannot be loaded", async () => {
      const watched = watch("modules/throws.mjs");
      const url = await serve(watched, {});
      await watched.offloader.ready().catch(() => {});
      const { status, headers } = await fetch(url);
      expect([status, headers.get("retry-after")]).toEqual([503, "30"]);
    });
  });
}

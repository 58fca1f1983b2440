// Fastify's inject() runs handlers on a request and a response that have no connection.
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { type Registration, register, turns } from "./observe.js";

describe("a response of Fastify's inject()", () => {
  it("is completed, once", async () => {
    const app = fastify();
    let registration: Registration | undefined;
    app.post("/", async (_request, reply) => {
      registration = register(reply.raw);
      return reply.code(201).send({ made: true });
    });
    expect((await app.inject({ method: "POST", url: "/", payload: { name: "x" } })).statusCode).toBe(201);
    expect(await registration?.outcome).toMatchObject({ kind: "completed", statusCode: 201, headersSent: true });
    await turns();
    expect(registration?.outcomes).toHaveLength(1);
  });

  it("is completed for a listener that comes after its end", async () => {
    const app = fastify();
    app.get("/", async () => "hello");
    const { raw } = await app.inject("/");
    expect(await register(raw.res).outcome).toMatchObject({ kind: "completed", statusCode: 200 });
    await turns();
    expect(await register(raw.res).outcome).toMatchObject({ kind: "completed", statusCode: 200 });
  });

  it("is completed when it was hijacked and written to directly", async () => {
    const app = fastify();
    let registration: Registration | undefined;
    app.get("/", (_request, reply) => {
      reply.hijack();
      registration = register(reply.raw);
      reply.raw.writeHead(202);
      reply.raw.end("by hand");
    });
    expect((await app.inject("/")).body).toBe("by hand");
    expect(await registration?.outcome).toMatchObject({ kind: "completed", statusCode: 202 });
  });

  it("is aborted when it was destroyed before its end", async () => {
    const app = fastify();
    let registration: Registration | undefined;
    app.get("/", (_request, reply) => {
      reply.hijack();
      registration = register(reply.raw);
      reply.raw.destroy();
    });
    await expect(app.inject("/")).rejects.toThrow();
    expect((await registration?.outcome)?.kind).toBe("aborted");
  });
});

import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Hono } from "hono";
import Koa from "koa";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { type ResponseLike, toServerResponse } from "../../src/response/response-like.js";

const request = new IncomingMessage(new Socket());
const response = new ServerResponse(request);

// It has a `res` of its own, which holds headers alone.
const eventOfH3 = {
  req: new Request("http://x/"),
  res: { headers: new Headers() },
  runtime: { node: { res: response } },
};

describe("a response is found in", () => {
  it.each<[string, ResponseLike]>([
    ["itself", response],
    ["a Fastify reply", { raw: response }],
    ["a Koa context", { res: response }],
    ["a Hono context of node-server", { env: { outgoing: response }, req: { raw: new Request("http://x/") } }],
    ["an event of h3 1", { node: { res: response } }],
    ["an event of h3 2", eventOfH3],
    ["a request of srvx", Object.assign(new Request("http://x/"), { runtime: { node: { res: response } } })],
  ])("%s", (_, value) => {
    expect(toServerResponse(value)).toBe(response);
  });

  it("a response whose prototype a framework has changed", () => {
    const changed = new ServerResponse(request);
    Object.setPrototypeOf(changed, Object.create(ServerResponse.prototype));
    expect(toServerResponse(changed)).toBe(changed);
  });

  it("a real Koa context, which has the request's properties too", () => {
    const context = new Koa().createContext(request, response);
    expect(toServerResponse(context)).toBe(response);
  });
});

describe("anything else is refused with words for what it is", () => {
  const refusal = (value: unknown): OffloadError => {
    try {
      toServerResponse(value);
    } catch (error) {
      if (error instanceof OffloadError) return error;
    }
    throw new Error("it was accepted");
  };

  it.each<[string, unknown, RegExp]>([
    ["undefined", undefined, /got undefined$/],
    ["null", null, /got null$/],
    ["a string", "optimizeImage", /got "optimizeImage"$/],
    ["a function", function next() {}, /got the function next$/],
    ["an empty object", {}, /got an object$/],
    ["a request", request, /got a request: pass the response/],
    [
      "an Express request, which knows its response",
      Object.assign(new IncomingMessage(new Socket()), { res: response }),
      /got a request/,
    ],
    ["a Fastify request", { raw: request, id: 1 }, /got a request/],
    ["a web Response", new Response("x"), /got a web Response/],
    ["a web Request", new Request("http://x/"), /got a web Request/],
    ["a request of srvx on another runtime", { runtime: { name: "bun" } }, /got an object$/],
    ["a promise", Promise.resolve(response), /got a promise: await it first$/],
  ])("%s", (_, value, words) => {
    const error = refusal(value);
    expect(error.code).toBe("AR_INVALID_ARGUMENT");
    expect(error.message).toMatch(/^res must be a response of node:http .* reply.*Koa.*Hono/);
    expect(error.message).toMatch(words);
  });

  it("a Hono context that is not served by node-server", async () => {
    let error: OffloadError | undefined;
    const app = new Hono();
    app.get("/", (context) => {
      error = refusal(context);
      return context.text("hello");
    });
    await app.request("/");
    expect(error?.message).toMatch(/got a Hono context without env\.outgoing: it is not served by @hono\/node-server$/);
  });
});

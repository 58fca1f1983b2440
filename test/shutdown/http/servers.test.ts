import { createServer as http } from "node:http";
import { createServer as http2, createSecureServer as http2s } from "node:http2";
import { createServer as https } from "node:https";
import { createServer as net } from "node:net";
import { createServer as tls } from "node:tls";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import Koa from "koa";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { findServers } from "../../../src/shutdown/http/servers.js";

const find = (argument: unknown) => findServers("shutdownOnSignals", argument);

describe("the servers in what is handed over", () => {
  it("are none for undefined", () => {
    expect(find(undefined)).toEqual([]);
  });

  it("are those of node:http, node:https and node:http2", () => {
    for (const server of [http(), https(), http2(), http2s()]) expect(find(server)).toEqual([server]);
  });

  it("are each counted once", () => {
    const [one, two] = [http(), http()];
    expect(find([one, two, one])).toEqual([one, two]);
  });

  it("are found in what carries one: Fastify, Nest, hapi, Hono's", () => {
    const fastify = Fastify();
    expect(find(fastify)).toEqual([fastify.server]);
    const server = http();
    expect(find({ getHttpServer: () => server })).toEqual([server]);
    expect(find({ listener: server })).toEqual([server]);
    const hono = createAdaptorServer({ fetch: () => new Response() });
    expect(find(hono)).toEqual([hono]);
  });

  it.each([
    { name: "an Express app", value: express(), hint: "pass what app.listen() returned" },
    { name: "a Koa app", value: new Koa(), hint: "got an instance of Application" },
    { name: "a server that is not HTTP", value: net(), hint: "got an instance of Server" },
    { name: "a TLS server that is not HTTP", value: tls(), hint: "got an instance of Server" },
    { name: "a port", value: 3000, hint: "got 3000" },
    { name: "null", value: null, hint: "got null" },
  ])("are not $name", ({ value, hint }) => {
    expect(() => find(value)).toThrow(OffloadError);
    expect(() => find(value)).toThrow(/shutdownOnSignals: expected an http, https or http2 server/);
    expect(() => find(value)).toThrow(hint);
  });
});

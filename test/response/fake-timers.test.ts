// An application's tests may replace the timers and clocks. The end of a response is not waited for through those.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connect } from "../support/http.js";
import { type Registration, register, serve } from "./observe.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function request(): Promise<{ registration: Registration; end: () => void; abort: () => void }> {
  const { port, next } = await serve();
  const client = await connect(port);
  client.request("GET", "/");
  const { req, res } = await next();
  return { registration: register(res), end: () => res.end(), abort: () => req.socket.destroy() };
}

it("a response is completed while fake timers stand still, and its times are real", async () => {
  vi.setSystemTime(0);
  const { registration, end } = await request();
  end();
  const { kind, endedAt, durationMs } = await registration.outcome;
  expect(kind).toBe("completed");
  expect(endedAt).toBeGreaterThan(Date.parse("2024-01-01"));
  expect(durationMs).toBeGreaterThan(0);
});

it("a response is aborted while fake timers stand still", async () => {
  const { registration, abort } = await request();
  abort();
  expect((await registration.outcome).kind).toBe("aborted");
});

it("a listener that waits when the fake timers go is called all the same", async () => {
  const { registration, end } = await request();
  end();
  vi.useRealTimers();
  expect((await registration.outcome).kind).toBe("completed");
});

// Who gets in, and what an attacker cannot do: the mistakes of other such pages (open by accident, commands from other sites,
// markup from the address, numbers without bounds), each tried.
import type { IncomingMessage } from "node:http";
import { dashboard } from "offload-after-response/dashboard";
import { describe, expect, it } from "vitest";
import { thrownBy, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";
import { type Answer, mounted, Reader, send } from "./mounted.js";

const everything = ["", "app.js", "app.css", "events", "task?id=abc-1", "nothing", "act?do=pause"];

describe("access", () => {
  it("has to be decided: a page without it cannot be made", () => {
    const { offloader } = watch();
    for (const [options, message] of [
      [{}, 'expected access to be "local" or a function of the request'],
      [{ access: true }, "got true"],
      [{ access: "full" }, 'got "full"'],
      [{ access: false }, "got false"],
      [{ acess: () => "full" }, "did you mean access?"],
    ] as const) {
      const error = thrownBy(() => dashboard(offloader, options as never));
      expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS" });
      expect(error.message).toContain(message);
    }
    expect(thrownBy(() => dashboard({} as never, { access: "local" })).code).toBe("AR_INVALID_ARGUMENT");
  });

  it("is looked at before everything: nothing answers, not even that there is something", async () => {
    const page = await mounted({ access: () => false });
    for (const path of everything) {
      for (const method of ["GET", "POST", "HEAD", "PUT"]) {
        const { status, text } = await send(page.port, method, path, { "x-after-response": "1" });
        expect([method, path, status]).toEqual([method, path, 403]);
        expect(["Forbidden\n", ""]).toContain(text);
      }
    }
  });

  it.each([true, 1, undefined, null, "admin", "FULL", {}, ["full"]])(
    "is refused where the function returns %j",
    async (returned) => {
      const page = await mounted({ access: () => returned as never });
      expect((await page.get("")).status).toBe(403);
      expect((await page.act("do=renew")).status).toBe(403);
      await page.watched.line(/^dashboard: access returned .+, expected "full", "read" or false; refused$/);
    },
  );

  it("is refused where the function throws or rejects, and the client is told nothing of why", async () => {
    for (const access of [
      () => {
        throw new Error("the secret of the database");
      },
      () => Promise.reject(new Error("the secret of the database")),
    ]) {
      const page = await mounted({ access });
      const { status, text } = await page.get("");
      expect([status, text]).toEqual([500, "Internal error\n"]);
      expect((await page.watched.line(/a request failed/)).fields.err).toMatchObject({ message: /secret/ });
    }
  });

  it("may be a promise, and is given the request", async () => {
    const page = await mounted({
      access: async (req: IncomingMessage) => (req.headers.cookie === "admin" ? "full" : false),
    });
    expect((await page.get("")).status).toBe(403);
    expect((await page.get("", { cookie: "admin" })).status).toBe(200);
  });

  it("to read shows everything and does nothing", async () => {
    const page = await mounted({ access: () => "read" });
    expect((await page.get("")).status).toBe(200);
    const { status, text } = await page.act("do=pause");
    expect([status, JSON.parse(text)]).toEqual([403, { error: "You may only look" }]);
    await page.offloader.run("add", { a: 1, b: 2 });
  });
});

describe('access: "local"', () => {
  const proxied: Record<string, string>[] = [
    { "x-forwarded-for": "127.0.0.1" },
    { "x-forwarded-host": "localhost" },
    { "x-forwarded-anything": "" },
    { forwarded: "for=127.0.0.1" },
    { "x-real-ip": "127.0.0.1" },
    { via: "1.1 proxy" },
  ];

  it("is for this machine", async () => {
    const page = await mounted({ access: "local" });
    for (const host of ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST"]) {
      expect([host, (await page.get("", { host })).status]).toEqual([host, 200]);
    }
  });

  it.each(proxied)("is not for what a proxy has forwarded: %j", async (headers) => {
    const page = await mounted({ access: "local" });
    expect((await page.get("", headers)).status).toBe(403);
  });

  it.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:3000@evil.example", "[::2]"])(
    "is not for a name that was pointed here: %j",
    async (host) => {
      const page = await mounted({ access: "local" });
      expect((await page.get("", { host })).status).toBe(403);
    },
  );
});

describe("a command", () => {
  const refusedHeaders: Record<string, string | undefined>[] = [
    { "x-after-response": undefined },
    { "x-after-response": "0" },
    { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": undefined },
    { "sec-fetch-site": undefined, origin: "null" },
    { "sec-fetch-site": undefined, origin: "http://evil.example" },
    { "sec-fetch-site": undefined, origin: "http://localhost:1", host: "localhost:2" },
    { "sec-fetch-site": undefined, origin: "http://localhost.evil.example", host: "localhost" },
    { "sec-fetch-site": undefined, origin: "file://localhost", host: "localhost" },
  ];

  it.each(refusedHeaders)("of another site is refused: %j", async (headers) => {
    const page = await mounted();
    expect((await page.act("do=pause", headers)).status).toBe(403);
    await page.offloader.run("add", { a: 1, b: 2 });
  });

  it("of the page itself is done, on plain http to a private address too, where browsers say less", async () => {
    const page = await mounted();
    expect((await page.act("do=pause")).status).toBe(200);
    const headers = { "sec-fetch-site": undefined, origin: "http://10.0.0.7:3000", host: "10.0.0.7:3000" };
    expect((await page.act("do=resume", headers)).status).toBe(200);
    await page.offloader.run("add", { a: 1, b: 2 });
  });

  it("is logged with what was asked for and for how many tasks it was done", async () => {
    const page = await mounted();
    expect((await page.act("do=pause")).status).toBe(200);
    const { level, fields } = await page.watched.line(/^dashboard: somebody acted$/);
    expect(level).toBe("info");
    expect(fields).toEqual({ offloader: page.offloader.name, do: "pause", done: expect.any(Number) });
  });

  it("is no GET, whatever headers it has", async () => {
    const page = await mounted();
    const { status, headers } = await page.get("act?do=pause", {
      "x-after-response": "1",
      "sec-fetch-site": "same-origin",
    });
    expect([status, headers.allow]).toEqual([405, "POST"]);
    await page.offloader.run("add", { a: 1, b: 2 });
  });

  it("has no body", async () => {
    const page = await mounted();
    expect((await page.act("do=pause", { "content-length": "3" }, "a=1")).status).toBe(400);
    expect((await page.act("do=pause", { "transfer-encoding": "chunked" }, "a=1")).status).toBe(400);
    await page.offloader.run("add", { a: 1, b: 2 });
  });

  it.each([
    "",
    "do=",
    "do=eval",
    "do=constructor",
    "do=__proto__",
    "do=cancel",
    "do=cancel&id=",
    "do=cancel&id=../../etc/passwd",
    "do=cancel&id=a%00b",
    `do=cancel&id=${"a".repeat(129)}`,
    "do=cancel&id=a&id=b",
    "do=cancel&do=renew&id=a",
    "do=pause&task=",
    `do=pause&task=${"x".repeat(201)}`,
    "do=discard-all",
    "do=discard-all&count=-1",
    "do=discard-all&count=1e9",
    "do=discard-all&count=99999999999999999999",
    "do=discard-all&count=NaN",
    "do=renew&limit=1000000",
  ])("with wrong parameters is refused: %s", async (query) => {
    const page = await mounted();
    const { status, text, headers } = await page.act(query);
    expect(status).toBe(400);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    for (const sent of ["eval", "passwd", "xxxx", "aaaa", "limit", "1e9"]) expect(text).not.toContain(sent);
  });

  it("for a task that nobody has dispatched is refused", async () => {
    const page = await mounted();
    for (const name of ["toString", "__proto__", "nothing\nline"]) {
      for (const act of ["pause", "cancel-all"]) {
        const { status, text } = await page.act(`do=${act}&task=${encodeURIComponent(name)}`);
        expect(status).toBe(409);
        expect(JSON.parse(text)).toEqual({ error: "No task of this name has been dispatched" });
      }
    }
  });
});

describe("every answer", () => {
  const hostile = '"><img src=x onerror=alert(1)>';

  it("lets a browser run, frame, guess and keep nothing", async () => {
    const page = await mounted();
    for (const path of ["", "app.js", "app.css", "task?id=a-1", "nothing", "act", "task", "a%3Cb"]) {
      const { headers } = await page.get(path);
      const policy = headers["content-security-policy"] ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store, no-transform",
      });
    }
    const { text } = await page.get("");
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=|(?:src|href)="(?:https?:)?\/\//);
  });

  it("repeats nothing of the address", async () => {
    const page = await mounted();
    const sent = encodeURIComponent(hostile);
    for (const path of [
      `?${sent}`,
      `task?id=${sent}`,
      `task?${sent}=1`,
      sent,
      `x/${sent}`,
      `${sent}/`,
      `app.js?${sent}`,
    ]) {
      const { text, headers } = await page.get(path);
      expect(text).not.toContain("onerror");
      expect(headers.location ?? "").not.toContain("onerror");
    }
    expect((await page.get(`/admin/tasks?x=${sent}`)).headers.location).toBe("./tasks/");
    for (const path of ["//evil.example", "/\\evil.example", "/javascript:alert(1)"]) {
      const { status, headers } = await page.get(path);
      if (status === 302) expect(headers.location).toMatch(/^\.\/[\w.~-]+\/$/);
      else expect(status).toBe(404);
    }
  });

  it("is the same page whatever the address asks for: there are no numbers in it to make large", async () => {
    const page = await mounted();
    const { text } = await page.get("");
    expect((await page.get("?page=1000000&count=1000000&limit=-1")).text).toBe(text);
  });

  it("to a method that it does not know says which it does", async () => {
    const page = await mounted();
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect(await send(page.port, method, "")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
    }
    expect(await send(page.port, "HEAD", "")).toMatchObject({ status: 200, text: "" });
  });
});

describe("what the page is told", () => {
  const secret = "4929-1234-5678-9012";
  const shows = async (answer: Promise<Answer>): Promise<string> => JSON.parse((await answer).text).shown;

  async function withSecret(show?: (task: { payload: unknown; context: unknown; key: unknown }) => unknown) {
    const page = await mounted(
      { access: () => "full", show },
      { context: () => ({ secret }), pool: { maxThreads: 1 } },
    );
    page.offloader.pause();
    const handle = page.offloader.offload("echo", { secret, name: "cat" }, { key: secret });
    return { page, id: handle.id };
  }

  it("has nothing of payload, context and key", async () => {
    const { page, id } = await withSecret();
    const reader = await Reader.open(page.port);
    await reader.event("state", ({ waiting }) => (waiting as unknown[]).length === 1);
    reader.close();
    const detail = await page.get(`task?id=${id}`);
    expect(JSON.parse(detail.text)).toMatchObject({ id, task: "echo", state: "queued", kind: "task" });
    for (const text of [detail.text, JSON.stringify(reader.events)]) expect(text).not.toContain(secret);
    page.offloader.resume();
  });

  it("has of them what show() returns, for the one task that is looked at", async () => {
    const { page, id } = await withSecret(({ payload }) => ({ name: (payload as { name: string }).name }));
    expect(JSON.parse(await shows(page.get(`task?id=${id}`)))).toEqual({ name: "cat" });
    const whole = await withSecret(({ payload, context, key }) => ({ payload, context, key }));
    expect(JSON.parse(await shows(whole.page.get(`task?id=${whole.id}`)))).toEqual({
      payload: { secret, name: "cat" },
      context: { secret },
      key: secret,
    });
    page.offloader.resume();
    whole.page.offloader.resume();
  });

  it("is bounded, and a show() that throws is logged", async () => {
    const long = await withSecret(() => "x".repeat(1_000_000));
    expect(await shows(long.page.get(`task?id=${long.id}`))).toHaveLength(16_384);
    const broken = await withSecret(() => {
      throw new Error(secret);
    });
    expect(await shows(broken.page.get(`task?id=${broken.id}`))).toBe("The option show failed; the log says why.");
    await broken.page.watched.line(/the option show failed/);
    for (const { page } of [long, broken]) page.offloader.resume();
  });

  it("leaves a payload that moves to its thread as it is", async () => {
    const seen: unknown[] = [];
    const page = await mounted({
      access: () => "full",
      show: ({ payload }) => {
        seen.push(payload);
      },
    });
    page.offloader.pause();
    const buffer = new ArrayBuffer(200_000);
    const handle = page.offloader.offload("echo", { buffer }, { transfer: [buffer] });
    const result = handle.result();
    await page.get(`task?id=${handle.id}`);
    page.offloader.resume();
    expect((await result) as object).toEqual({ buffer: new ArrayBuffer(200_000) });
    expect(seen).toEqual([undefined]);
  });

  it("is for the page alone: another site cannot hold streams open, and there are at most 16", async () => {
    const page = await mounted();
    const { status } = await page.get("events", { "sec-fetch-site": "cross-site" });
    expect(status).toBe(403);
    expect((await page.get("events", { origin: "http://evil.example" })).status).toBe(403);
    const readers = await Promise.all(Array.from({ length: 16 }, () => Reader.open(page.port)));
    expect(await page.get("events")).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    for (const reader of readers) reader.close();
  });

  it("is cut where names and errors are long, so that one message stays below 64 KiB", async () => {
    const page = await mounted({ access: () => "full" }, { pool: { maxThreads: 1 } });
    for (let n = 0; n < 200; n++) {
      const callback = Object.defineProperty(() => {}, "name", { value: `callback ${n} ${"x".repeat(5_000)}` });
      page.offloader.runAfterResponse(makeResponse().response, callback);
    }
    const reader = await Reader.open(page.port);
    const state = await reader.event("state");
    expect(JSON.stringify(state).length).toBeLessThan(65_536);
    expect((state.tasks as unknown[]).length).toBe(100);
    expect(state.nameCount).toBe(200);
    reader.close();
  });
});

import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { whenOver } from "../../src/response/over.js";
import { connect } from "../support/http.js";
import { register, serve, turns } from "./observe.js";

async function exchange() {
  const { port, next } = await serve();
  const client = await connect(port);
  client.request("GET", "/");
  return { client, ...(await next()) };
}

describe("a listener", () => {
  it("is called in the order of registration, whenever it was registered", async () => {
    const { res } = await exchange();
    const calls: string[] = [];
    const done = new Promise<void>((resolve) => {
      whenOver(res, () => {
        calls.push("first");
        whenOver(res, () => calls.push("from within, first"));
        whenOver(res, () => resolve());
      });
    });
    whenOver(res, () => calls.push("second"));
    res.end();
    await done;
    expect(calls).toEqual(["first", "second", "from within, first"]);
  });

  it("is called for a response that is over, but not before the call has returned", async () => {
    const { res } = await exchange();
    res.statusCode = 201;
    res.end();
    await once(res, "close");
    const { outcome, outcomes } = register(res);
    expect(outcomes).toEqual([]);
    expect(await outcome).toMatchObject({ kind: "completed", statusCode: 201, headersSent: true });
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it.each(["prefinish", "finish", "close"])("is called when it is registered while Node emits %s", async (event) => {
    const { res } = await exchange();
    const registered = new Promise<ReturnType<typeof register>>((resolve) => {
      res.once(event, () => resolve(register(res)));
    });
    res.end("all");
    const { outcome, outcomes } = await registered;
    expect((await outcome).kind).toBe("completed");
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it("is called together with those of other responses that end in the same turn, in the context of none", async () => {
    const [{ res: one }, { res: other }] = [await exchange(), await exchange()];
    const request = new AsyncLocalStorage<string>();
    const calls: unknown[] = [];
    const both = [one, other].map((res, index) =>
      request.run(`request ${index}`, () => {
        const recorded = new Promise<void>((resolve) =>
          whenOver(res, () => {
            calls.push(request.getStore());
            process.nextTick(() => calls.push("the next tick"));
            resolve();
          }),
        );
        res.end();
        return recorded;
      }),
    );
    await Promise.all(both);
    await turns();
    expect(calls).toEqual([undefined, undefined, "the next tick", "the next tick"]);
  });

  it("is called for a response whose connection dies in the tick of the call", async () => {
    const { req, res } = await exchange();
    req.socket.destroy();
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it("that throws disturbs neither the others nor the process", async () => {
    const uncaught = vi.fn();
    process.on("uncaughtExceptionMonitor", uncaught);
    const { res } = await exchange();
    const before = register(res);
    whenOver(res, () => {
      throw new Error("broken listener");
    });
    const after = register(res);
    res.end();
    await Promise.all([before.outcome, after.outcome]);
    await turns();
    process.off("uncaughtExceptionMonitor", uncaught);
    expect(uncaught).not.toHaveBeenCalled();
  });

  it("is called after Node has done its own part, so that it delays no other response of the connection", async () => {
    const { port, next } = await serve();
    const client = await connect(port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    const first = await next();
    const second = await next();
    second.res.end("two");
    const hasItsTurn = new Promise<boolean>((resolve) => {
      whenOver(first.res, () => resolve(second.res.socket !== null || second.res.writableFinished));
    });
    first.res.end("one");
    expect(await hasItsTurn).toBe(true);
  });
});

describe("Node's listeners", () => {
  it("are one set for a hundred registrations", async () => {
    const { req, res } = await exchange();
    const { outcome } = register(res);
    const events = ["finish", "close"];
    const counts = () => [...events.map((event) => res.listenerCount(event)), req.socket.listenerCount("close")];
    const withOne = counts();
    const more = Array.from({ length: 99 }, () => register(res));
    expect(counts()).toEqual(withOne);
    res.end();
    await outcome;
    await Promise.all(more.map((each) => each.outcome));
    await turns();
    expect(more.flatMap((each) => each.outcomes)).toHaveLength(99);
  });

  it("do not grow with the requests of a keep-alive connection", async () => {
    const warnings = vi.fn();
    process.on("warning", warnings);
    const { port, next } = await serve();
    const client = await connect(port);
    const counts = new Set<number>();
    for (let request = 1; request <= 300; request++) {
      client.request("GET", `/${request}`);
      const { req, res } = await next();
      const { outcome } = register(res);
      counts.add(req.socket.listenerCount("close"));
      res.end(`answer ${request}.`);
      expect((await outcome).kind).toBe("completed");
      await client.waitFor(new RegExp(`answer ${request}\\.`));
    }
    process.off("warning", warnings);
    expect(counts.size).toBe(1);
    expect(warnings).not.toHaveBeenCalled();
  });
});

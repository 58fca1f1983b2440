// What holds in every framework: one file of scenarios, each run against each adapter over real sockets.
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { Readable } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import fastify from "fastify";
import { createOffloader, type Offloader, type ResponseOutcome, type TaskHandle } from "offload-after-response";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { connect } from "../support/http.js";
import { type Adapter, type Answer, adapters, type Call, type Handle, type Running, start } from "./adapters.js";
import { type Client, openClient } from "./client.js";

// One thread, so that the order of starts shows.
let offloader: Offloader;

beforeAll(async () => {
  offloader = createOffloader({
    tasks: new URL("./tasks.mjs", import.meta.url),
    pool: { minThreads: 1, maxThreads: 1 },
    logger: false,
  });
  await offloader.ready();
});

afterAll(() => offloader.close());

const largeBody = Buffer.alloc(32 * 1024 * 1024, "x");

/** Something to wait for, and to let happen. */
class Gate<T = void> {
  open!: (value: T) => void;
  readonly opened = new Promise<T>((resolve) => {
    this.open = resolve;
  });
}

/** The outcome of a response, by a callback. */
function outcomeOf(res: Call["res"]): Promise<ResponseOutcome> {
  const gate = new Gate<ResponseOutcome>();
  offloader.runAfterResponse(res, ({ outcome }) => gate.open(outcome));
  return gate.opened;
}

/** How many listeners the end of a response has. On HTTP/2 its events are the stream's. */
function listeners(raw: Call["raw"]): number {
  const emitters = "stream" in raw ? [raw.stream] : [raw, raw.req.socket];
  const counts = emitters.flatMap((each) => [each.listenerCount("finish"), each.listenerCount("close")]);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The codes or values that tasks ended with. */
async function ends(handles: readonly TaskHandle[]): Promise<unknown[]> {
  const results = await Promise.allSettled(handles.map((handle) => handle.result()));
  return results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.code));
}

describe.each(adapters)("$name:", (adapter: Adapter) => {
  let running: Running;
  let client: Client;
  const handlers = new Map<string, Handle>();
  const statistics: { status: number; kind: string; durationMs: number; same: boolean }[] = [];
  let seenByEach: unknown;

  beforeAll(async () => {
    const note = (response: Call["res"], { statusCode: status, kind, durationMs }: ResponseOutcome) => {
      statistics.push({ status, kind, durationMs, same: response === seenByEach });
    };
    const each = {
      response: offloader.afterEachResponse<unknown, Call["res"]>((_req, res, outcome) => note(res, outcome)),
      context: offloader.afterEachContext<Call["res"]>(note),
    };
    running = await start(adapter, (call) => (handlers.get(call.url) as Handle)(call), each);
  });

  afterAll(() => running.close());

  beforeEach(() => {
    client = openClient(adapter.protocol, running.port);
  });

  afterEach(async () => {
    client.close();
    handlers.clear();
    await offloader.idle();
  });

  /** Answers calls of `path`, and gives what it did at the first of them to the test. */
  function on<T>(
    path: string,
    handle: (call: Call, given: (value: T) => void) => Answer | Promise<Answer>,
  ): Promise<T> {
    const gate = new Gate<T>();
    handlers.set(path, async (call) => handle(call, gate.open));
    return gate.opened;
  }

  describe("dispatch", () => {
    it("a task does not start while its response is held open, and starts after it", async () => {
      const release = new Gate();
      const dispatched = on<TaskHandle>("/", async ({ res }, given) => {
        given(offloader.offloadAfterResponse(res, "echo", { after: "the response" }));
        await release.opened;
        return { status: 202, body: "accepted" };
      });
      const answer = client.ask("GET", "/");
      const task = await dispatched;
      // The thread is free all the while: another task runs through.
      expect(await offloader.run("echo", "another")).toBe("another");
      expect(task.state).toBe("held");
      release.open();
      expect(await answer).toEqual({ status: 202, body: "accepted" });
      expect(await task.result()).toEqual({ after: "the response" });
    });

    it("the whole body arrives before the task ends, and a second request on the connection does not wait", async () => {
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const dispatched = on<TaskHandle>("/", ({ res }, given) => {
        given(offloader.offloadAfterResponse(res, "hold", { gate }));
        return { status: 200, body: "x".repeat(100_000) };
      });
      void on("/second", () => ({ status: 200, body: "at once" }));
      expect((await client.ask("GET", "/")).body).toHaveLength(100_000);
      expect((await client.ask("GET", "/second")).body).toBe("at once");
      const task = await dispatched;
      expect(["held", "queued", "running"]).toContain(task.state);
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      expect(await task.result()).toBe("released");
    });

    it("tasks and callbacks, synchronous and asynchronous, all run with their own arguments", async () => {
      const dispatched = on<TaskHandle[]>("/", ({ res }, given) => {
        given([
          offloader.offloadAfterResponse(res, "echo", 1),
          offloader.offloadAfterResponse(res, "echoLater", { two: 2 }),
          offloader.runAfterResponse(res, () => 3),
          offloader.runAfterResponse(res, async () => {
            await immediate();
            return 4;
          }),
        ]);
        return { status: 200 };
      });
      await client.ask("GET", "/");
      expect(await ends(await dispatched)).toEqual([1, { two: 2 }, 3, 4]);
    });

    it("with one thread, tasks start in the order of their calls", async () => {
      const dispatched = on<TaskHandle[]>("/", ({ res }, given) => {
        given(Array.from({ length: 50 }, () => offloader.offloadAfterResponse(res, "count")));
        return { status: 200 };
      });
      await client.ask("GET", "/");
      const order = (await ends(await dispatched)) as number[];
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(new Set(order).size).toBe(50);
    });

    it("a task that is registered in the middle of a streamed response starts only after the stream's end", async () => {
      const release = new Gate();
      const dispatched = new Gate<TaskHandle>();
      void on("/", ({ res }) => {
        async function* parts(): AsyncGenerator<string> {
          yield "first ";
          dispatched.open(offloader.offloadAfterResponse(res, "echo", "after the stream"));
          yield "second ";
          await release.opened;
          yield "last";
        }
        return { status: 200, body: Readable.from(parts(), { objectMode: false }) };
      });
      const response = await client.send("GET", "/").response;
      const task = await dispatched.opened;
      expect(await offloader.run("echo", "another")).toBe("another");
      expect(task.state).toBe("held");
      release.open();
      expect(await response.text()).toBe("first second last");
      expect(await task.result()).toBe("after the stream");
    });

    it("a callback that registers another: both run, and idle() waits for both", async () => {
      const order: string[] = [];
      void on("/", ({ res }) => {
        offloader.runAfterResponse(res, async () => {
          order.push("outer");
          offloader.runAfterResponse(res, async () => {
            await immediate();
            order.push("inner");
          });
        });
        return { status: 200 };
      });
      await client.ask("GET", "/");
      await offloader.idle();
      expect(order).toEqual(["outer", "inner"]);
    });

    it("what is registered after the response is over runs soon, and never within the call", async () => {
      // In an array, for Fastify's reply is a thenable.
      const over = new Gate<[Call["res"]]>();
      void on("/", ({ res }) => {
        offloader.runAfterResponse(res, () => over.open([res]));
        return { status: 201 };
      });
      await client.ask("GET", "/");
      const [res] = await over.opened;
      let called = false;
      const callback = offloader.runAfterResponse(res, ({ outcome }) => {
        called = true;
        return outcome.statusCode;
      });
      const task = offloader.offloadAfterResponse(res, "echo", "late");
      expect([called, callback.state, task.state]).toEqual([false, "held", "held"]);
      expect(await ends([callback, task])).toEqual([201, "late"]);
    });

    it("a hundred calls on one response, and fifty requests on one connection, add one set of listeners", async () => {
      const warnings = vi.fn();
      process.on("warning", warnings);
      const counts: number[] = [];
      void on("/", ({ res, raw }) => {
        offloader.runAfterResponse(res, () => {});
        counts.push(listeners(raw));
        for (let call = 1; call < 100; call++) offloader.runAfterResponse(res, () => {});
        counts.push(listeners(raw));
        return { status: 200, body: "ok" };
      });
      for (let request = 0; request < 50; request++) await client.ask("GET", "/");
      await offloader.idle();
      process.off("warning", warnings);
      expect(counts).toHaveLength(100);
      expect(new Set(counts).size).toBe(1);
      expect(warnings).not.toHaveBeenCalled();
    });

    it.each<[string, string, Answer]>([
      ["a 200 to HEAD", "HEAD", { status: 200, headers: { "X-Head": "only" } }],
      ["a 204", "GET", { status: 204 }],
      ["a 304", "GET", { status: 304 }],
      ["a 302", "GET", { status: 302, headers: { Location: "/elsewhere" } }],
      ["a 404", "GET", { status: 404, body: "not here" }],
    ])("%s is completed once", async (_, method, answer) => {
      const outcomes: ResponseOutcome[] = [];
      void on("/", ({ res }) => {
        offloader.runAfterResponse(res, ({ outcome }) => outcomes.push(outcome));
        return answer;
      });
      expect((await client.ask(method, "/")).status).toBe(answer.status);
      client.close();
      await offloader.idle();
      await offloader.idle();
      expect(outcomes).toMatchObject([{ kind: "completed", statusCode: answer.status, headersSent: true }]);
    });

    it("an early 413, with the upload still under way, is completed once", async () => {
      const outcomes: ResponseOutcome[] = [];
      void on("/", ({ res }) => {
        offloader.runAfterResponse(res, ({ outcome }) => outcomes.push(outcome));
        return { status: 413, body: "too large" };
      });
      expect((await client.ask("POST", "/", { body: "the beginning", open: true })).status).toBe(413);
      client.close();
      await offloader.idle();
      expect(outcomes).toMatchObject([{ kind: "completed", statusCode: 413 }]);
    });

    it("wrong arguments throw at the call and register nothing", async () => {
      let accepted = 0;
      const off = offloader.on("accepted", () => accepted++);
      const refused = on<unknown[]>("/", ({ res, req }, given) => {
        const call = offloader.offloadAfterResponse as (...args: unknown[]) => unknown;
        const callback = offloader.runAfterResponse as (...args: unknown[]) => unknown;
        const attempts: [string, () => unknown][] = [
          ["no response", () => call(undefined, "echo", 1)],
          ["the request", () => call(req, "echo", 1)],
          ["an unknown name", () => call(res, "eccho", 1)],
          ["no name", () => call(res, undefined, 1)],
          ["an unknown option", () => call(res, "echo", 1, { timout: 1 })],
          ["a wrong option", () => call(res, "echo", 1, { attempts: 0 })],
          ["a function in the payload", () => call(res, "echo", { user: { save() {} } })],
          ["no callback", () => callback(res, "echo")],
          ["no response for a callback", () => callback({}, () => {})],
        ];
        given(
          attempts.map(([name, attempt]) => {
            try {
              return [name, attempt()];
            } catch (error) {
              return [name, (error as { code?: unknown }).code];
            }
          }),
        );
        return { status: 200 };
      });
      await client.ask("GET", "/");
      expect(await refused).toEqual([
        ["no response", "AR_INVALID_ARGUMENT"],
        ["the request", "AR_INVALID_ARGUMENT"],
        ["an unknown name", "AR_UNKNOWN_TASK"],
        ["no name", expect.stringMatching(/^AR_(INVALID_ARGUMENT|UNKNOWN_TASK)$/)],
        ["an unknown option", "AR_INVALID_OPTIONS"],
        ["a wrong option", "AR_INVALID_OPTIONS"],
        ["a function in the payload", "AR_PAYLOAD_NOT_CLONEABLE"],
        ["no callback", "AR_INVALID_ARGUMENT"],
        ["no response for a callback", "AR_INVALID_ARGUMENT"],
      ]);
      await offloader.idle();
      off();
      // The one is afterEachResponse's.
      expect(accepted).toBe(1);
    });

    const known = adapter.protocol === "http1" || Number(process.versions.node.split(".")[0]) >= 22;

    it.runIf(known)("without res, deep inside a service function, it is the right response", async () => {
      async function service(): Promise<[TaskHandle, TaskHandle]> {
        await immediate();
        await new Promise((resolve) => setTimeout(resolve, 1));
        const later = new Gate<TaskHandle>();
        process.nextTick(() => later.open(offloader.offloadAfterResponse("echo", "task")));
        await immediate();
        return [await later.opened, offloader.runAfterResponse(({ outcome }) => outcome.statusCode)];
      }
      const statuses = Array.from({ length: 20 }, (_, index) => 400 + index);
      const dispatched = statuses.map((status) =>
        on<[TaskHandle, TaskHandle]>(`/${status}`, async ({ body }, given) => {
          await body();
          const handles = await service();
          expect(handles.map(({ state }) => state)).toEqual(["held", "held"]);
          given(handles);
          return { status, body: "answered" };
        }),
      );
      const clients = [client, openClient(adapter.protocol, running.port), openClient(adapter.protocol, running.port)];
      const answers = statuses.map((status, index) =>
        (clients[index % clients.length] as Client).ask("POST", `/${status}`, { body: "a body" }),
      );
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(statuses);
      for (const [index, status] of statuses.entries()) {
        expect(await ends((await dispatched[index]) ?? [])).toEqual(["task", status]);
      }
      for (const each of clients) each.close();
    });

    it("outside a request, without res, it throws and says what to do", () => {
      const refusal = expect.objectContaining({
        code: "AR_NO_RESPONSE",
        message: expect.stringMatching(/Pass the response/),
      });
      expect(() => offloader.offloadAfterResponse("echo", 1)).toThrow(refusal);
      expect(() => offloader.runAfterResponse(() => {})).toThrow(refusal);
    });
  });

  describe("outcome", () => {
    async function conditional(handle: () => Answer): Promise<unknown[]> {
      const dispatched = on<TaskHandle[]>("/", ({ res }, given) => {
        given([
          offloader.offloadAfterResponse(res, "echo", "always"),
          offloader.offloadAfterResponse(res, "echo", "sent", { runIf: "sent" }),
          offloader.offloadAfterResponse(res, "echo", "ok", { runIf: "ok" }),
          offloader.runAfterResponse(res, () => "only after a 5xx", {
            runIf: ({ kind, statusCode }) => kind === "completed" && statusCode >= 500,
          }),
          offloader.offloadAfterResponse(res, "echo", "broken", {
            runIf: () => {
              throw Object.assign(new Error("broken predicate"), { code: "BROKEN" });
            },
          }),
        ]);
        return handle();
      });
      await client.ask("GET", "/");
      return ends(await dispatched);
    }

    it("the handler throws, 500: ok skips it, sent and always run it, a predicate decides", async () => {
      const answer = () => {
        throw new Error("the handler failed");
      };
      expect(await conditional(answer)).toEqual(["always", "sent", "AR_SKIPPED", "only after a 5xx", "BROKEN"]);
    });

    it("the answer is a 404: ok skips it", async () => {
      expect(await conditional(() => ({ status: 404, body: "not here" }))).toEqual([
        "always",
        "sent",
        "AR_SKIPPED",
        "AR_SKIPPED",
        "BROKEN",
      ]);
    });

    it("the answer is a 200: all but the 5xx's run", async () => {
      expect(await conditional(() => ({ status: 200, body: "fine" }))).toEqual([
        "always",
        "sent",
        "ok",
        "AR_SKIPPED",
        "BROKEN",
      ]);
    });

    it("the client is gone before the headers: aborted, which is no 200", async () => {
      const release = new Gate();
      const dispatched = on<TaskHandle[]>("/", async ({ res }, given) => {
        given([
          offloader.runAfterResponse(res, ({ outcome: { kind, headersSent } }) => [kind, headersSent]),
          offloader.offloadAfterResponse(res, "echo", "sent", { runIf: "sent" }),
        ]);
        await release.opened;
        return { status: 200, body: "to nobody" };
      });
      const exchange = client.send("GET", "/");
      const handles = await dispatched;
      exchange.abort();
      expect(await ends(handles)).toEqual([["aborted", false], "AR_SKIPPED"]);
      release.open();
    });

    it("the client is gone in mid-stream: it settles all the same", async () => {
      const release = new Gate();
      const dispatched = on<Promise<ResponseOutcome>[]>("/", ({ res }, given) => {
        given([outcomeOf(res)]);
        async function* parts(): AsyncGenerator<string> {
          yield "first ";
          await release.opened;
          yield "last";
        }
        return { status: 200, body: Readable.from(parts(), { objectMode: false }) };
      });
      const exchange = client.send("GET", "/");
      const response = await exchange.response;
      await once(response.body, "readable");
      exchange.abort();
      const [outcome] = await dispatched;
      expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200, headersSent: true });
      release.open();
    });

    it("the client is gone just after the response: nothing is cancelled", async () => {
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const dispatched = on<TaskHandle[]>("/", ({ res }, given) => {
        given([
          offloader.offloadAfterResponse(res, "hold", { gate }, { runIf: "ok" }),
          offloader.offloadAfterResponse(res, "echo", "behind it", { runIf: "ok" }),
        ]);
        return { status: 200, body: "all of it" };
      });
      const exchange = client.send("GET", "/");
      expect(await (await exchange.response).text()).toBe("all of it");
      exchange.abort();
      client.close();
      const handles = await dispatched;
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      expect(await ends(handles)).toEqual(["released", "behind it"]);
    });

    it("a large body whose client resets the connection is aborted", async () => {
      const dispatched = on<Promise<ResponseOutcome>[]>("/", ({ res }, given) => {
        given([outcomeOf(res)]);
        return { status: 200, body: largeBody };
      });
      const exchange = client.send("GET", "/");
      const { body } = await exchange.response;
      await once(body, "readable");
      exchange.abort();
      const [outcome] = await dispatched;
      expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200 });
    });

    it("a POST whose body was consumed is no abort", async () => {
      const dispatched = on<Promise<ResponseOutcome>[]>("/", async ({ res, body }, given) => {
        given([outcomeOf(res)]);
        return { status: 200, body: `thanks for ${await body()}` };
      });
      expect((await client.ask("POST", "/", { body: "the body" })).body).toBe("thanks for the body");
      const [outcome] = await dispatched;
      expect((await outcome)?.kind).toBe("completed");
    });

    it("the AsyncLocalStorage of the call is visible in the callback, after an abort too", async () => {
      const requestId = new AsyncLocalStorage<string>();
      const release = new Gate();
      const handle = (id: string, wait: Promise<void>) =>
        on<TaskHandle[]>(`/${id}`, ({ res }, given) =>
          requestId.run(id, async () => {
            await immediate();
            given([offloader.runAfterResponse(res, async ({ outcome }) => [requestId.getStore(), outcome.kind])]);
            await wait;
            return { status: 200 };
          }),
        );
      const served = handle("served", Promise.resolve());
      await client.ask("GET", "/served");
      expect(await ends(await served)).toEqual([["served", "completed"]]);
      const dropped = handle("dropped", release.opened);
      const exchange = client.send("GET", "/dropped");
      const handles = await dropped;
      exchange.abort();
      expect(await ends(handles)).toEqual([["dropped", "aborted"]]);
      release.open();
    });
  });

  it("afterEachResponse tells of every response, in the form of this framework", async () => {
    statistics.length = 0;
    void on("/ok", ({ res }) => {
      seenByEach = res;
      return { status: 200, body: "ok" };
    });
    void on("/missing", ({ res }) => {
      seenByEach = res;
      return { status: 404, body: "missing" };
    });
    await client.ask("GET", "/ok");
    await offloader.idle();
    await client.ask("GET", "/missing");
    await offloader.idle();
    // Express and NestJS, whose middleware get Node's own response, and the others, which get their framework's.
    expect(statistics).toEqual([
      { status: 200, kind: "completed", durationMs: expect.any(Number), same: true },
      { status: 404, kind: "completed", durationMs: expect.any(Number), same: true },
    ]);
  });

  describe.runIf(adapter.protocol === "http1")("pipelined requests", () => {
    it("settle independently", async () => {
      const release = new Gate();
      const first = on<Promise<ResponseOutcome>[]>("/1", async ({ res }, given) => {
        given([outcomeOf(res)]);
        await release.opened;
        return { status: 200, body: "the first" };
      });
      const second = on<Promise<ResponseOutcome>[]>("/2", ({ res }, given) => {
        given([outcomeOf(res)]);
        return { status: 404, body: "the second" };
      });
      const raw = await connect(running.port);
      raw.request("GET", "/1");
      raw.request("GET", "/2");
      await second;
      release.open();
      expect(await (await first)[0]).toMatchObject({ kind: "completed", statusCode: 200 });
      expect(await (await second)[0]).toMatchObject({ kind: "completed", statusCode: 404 });
      await raw.waitFor(/the first.*the second/s);
    });

    it("one that never got its turn settles, aborted", async () => {
      const release = new Gate();
      const first = on<Promise<ResponseOutcome>[]>("/1", async ({ res }, given) => {
        given([outcomeOf(res)]);
        await release.opened;
        return { status: 200 };
      });
      const second = on<Promise<ResponseOutcome>[]>("/2", ({ res }, given) => {
        given([outcomeOf(res)]);
        return { status: 200, body: "never sent" };
      });
      const raw = await connect(running.port);
      raw.request("GET", "/1");
      raw.request("GET", "/2");
      const outcomes = [...(await first), ...(await second)];
      await raw.reset();
      expect(await Promise.all(outcomes)).toMatchObject([
        { kind: "aborted", headersSent: false },
        { kind: "aborted", headersSent: false },
      ]);
      release.open();
    });
  });
});

it("a response of Fastify's inject() is completed, once, with res and without", async () => {
  const app = fastify();
  const outcomes: ResponseOutcome[] = [];
  app.get("/", async (_request, reply) => {
    offloader.runAfterResponse(reply, ({ outcome }) => outcomes.push(outcome));
    await immediate();
    offloader.runAfterResponse(({ outcome }) => outcomes.push(outcome));
    return reply.code(201).send("made");
  });
  expect((await app.inject("/")).statusCode).toBe(201);
  await offloader.idle();
  await immediate();
  await offloader.idle();
  expect(outcomes).toMatchObject([
    { kind: "completed", statusCode: 201 },
    { kind: "completed", statusCode: 201 },
  ]);
});

// What node:diagnostics_channel tells of an offloader, and what travels with a task for its tracers.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventNames } from "../../src/core/events.js";
import type { DispatchMessage, RunMessage } from "../../src/core/trace/channels.js";
import { makeDirectory } from "../support/directory.js";
import { Gate } from "../support/gate.js";
import { rejection, thrownBy, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

const pool = { maxThreads: 1 };

interface Moment {
  readonly moment: string;
  readonly message: DispatchMessage;
}

/** Subscribes to the dispatches until the test is over. */
function traceDispatches(carrier: Record<string, unknown> = {}): Moment[] {
  const moments: Moment[] = [];
  const channel = tracingChannel<unknown, DispatchMessage>("after-response.dispatch");
  const note = (moment: string) => (message: DispatchMessage) => {
    if (moment === "start") Object.assign(message.carrier, carrier);
    moments.push({ moment, message: { ...message } });
  };
  const subscribers = {
    start: note("start"),
    end: note("end"),
    error: note("error"),
    asyncStart: note("asyncStart"),
    asyncEnd: note("asyncEnd"),
  };
  channel.subscribe(subscribers as never);
  onTestFinished(() => void channel.unsubscribe(subscribers as never));
  return moments;
}

describe("the channel of dispatches", () => {
  it("tells of each call with the id of what was accepted", async () => {
    const moments = traceDispatches();
    const { offloader } = watch("tasks.mjs", { pool, name: "photos" });
    const { id } = offloader.offload("echo", 1);
    const { response, over } = makeResponse();
    const callback = offloader.runAfterResponse(response, function mail() {});
    const common = { offloader: "photos", parent: undefined, carrier: {} };
    expect(moments).toEqual([
      { moment: "start", message: { ...common, task: "echo", kind: "task" } },
      { moment: "end", message: { ...common, task: "echo", kind: "task", id } },
      { moment: "start", message: { ...common, task: "mail", kind: "callback" } },
      { moment: "end", message: { ...common, task: "mail", kind: "callback", id: callback.id } },
    ]);
    over();
    await offloader.idle();
  });

  it("tells of a refusal with its error", () => {
    const moments = traceDispatches();
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 }, queue: { max: 1 } });
    offloader.pause();
    offloader.offload("echo", 1);
    const error = thrownBy(() => offloader.offload("echo", 2));
    expect(moments.slice(2).map(({ moment, message }) => [moment, message.id, message.error])).toEqual([
      ["start", undefined, undefined],
      ["error", undefined, error],
      ["end", undefined, error],
    ]);
    expect(offloader.snapshot().refused).toEqual({ AR_QUEUE_FULL: 1 });
  });

  it("binds its store around the call", async () => {
    const store = new AsyncLocalStorage<string>();
    const channel = tracingChannel<unknown, DispatchMessage>("after-response.dispatch");
    channel.start.bindStore(store, (message) => `dispatch of ${(message as DispatchMessage).task}`);
    onTestFinished(() => void channel.start.unbindStore(store));
    const { offloader } = watch("tasks.mjs", { pool, context: () => store.getStore() });
    expect(await offloader.run("about")).toMatchObject({ context: "dispatch of about" });
  });
});

describe("a carrier", () => {
  const carrier = { traceparent: "00-1-2-01", baggage: "a=b" };

  it("reaches the task and its events, and is made only where somebody subscribes", async () => {
    const watched = watch("traced.mjs", { pool });
    const { offloader } = watched;
    expect(await offloader.run("here")).toMatchObject({ carrier: undefined });
    traceDispatches({ ...carrier, symbol: Symbol("no text"), priority: 2 });
    const handle = offloader.offload("here");
    expect(await handle.result()).toMatchObject({ carrier: { ...carrier, priority: "2" } });
    const carriers = watched.recorded
      .filter(({ id }) => id === handle.id)
      .map((recorded) => Reflect.get(recorded, "carrier"));
    expect(carriers).toHaveLength(4);
    expect(new Set(carriers)).toEqual(new Set([{ ...carrier, priority: "2" }]));
  });

  it("of a client's making is bounded", async () => {
    traceDispatches({ traceparent: "00", baggage: "x".repeat(10_000) });
    const { offloader } = watch("traced.mjs", { pool });
    expect(await offloader.run("here")).toMatchObject({ carrier: { traceparent: "00" } });
  });

  it("is there at each attempt", async () => {
    traceDispatches(carrier);
    const { offloader } = watch("traced.mjs", { pool });
    expect(await offloader.run("failsOnce", undefined, { attempts: 2, backoff: 0 })).toEqual(carrier);
  });

  it("of one task in a batch does not reach the others", async () => {
    const watched = watch("traced.mjs", { pool });
    const { offloader } = watched;
    await watched.expectTiny("here");
    const before = offloader.offload("here");
    const channel = tracingChannel<unknown, DispatchMessage>("after-response.dispatch");
    const start = (message: unknown) => void Object.assign((message as DispatchMessage).carrier, carrier);
    channel.start.subscribe(start);
    const traced = offloader.offload("here");
    channel.start.unsubscribe(start);
    const after = offloader.offload("here");
    const results = await Promise.all([before, traced, after].map((handle) => handle.result()));
    expect(results).toMatchObject([{ carrier: undefined }, { carrier }, { carrier: undefined }]);
  });

  it("comes back from the journal", async () => {
    const dir = makeDirectory();
    const journal = { dir };
    traceDispatches(carrier);
    const first = watch("traced.mjs", { pool, journal, context: () => ({ request: "r-1" }) });
    // Its thread is still being started when it is closed.
    const { id } = first.offloader.offload("here");
    await first.offloader.close({ timeout: 0 });
    const next = watch("traced.mjs", { pool, journal });
    const succeeded = await next.event("succeeded", (recorded) => recorded.id === id);
    expect(succeeded).toMatchObject({ carrier, replayed: true, context: { request: "r-1" } });
    const messages = (await next.offloader.run("take")) as Record<string, unknown>[];
    expect(messages.find(({ task }) => task === "here")).toMatchObject({ id, replayed: true, carrier });
  });

  it("is made in the thread where a task dispatches another, and only once", async () => {
    const moments = traceDispatches({ traceparent: "made on the main thread" });
    const { offloader, event } = withEvent(watch("traced.mjs", { pool: { maxThreads: 2 } }));
    const handle = offloader.offload("leavesTraced", { name: "here" });
    const result = (await handle.result()) as { id: string };
    expect(result).toMatchObject({
      moments: [["start", "here"], ["end"], ["asyncStart", result.id], ["asyncEnd"]],
    });
    expect(await event(result.id)).toMatchObject({ carrier: { traceparent: `child of ${handle.id}` } });
    // The main thread tells of the first dispatch alone.
    expect(moments.map(({ message }) => message.task)).toEqual(["leavesTraced", "leavesTraced"]);
    const refused = await offloader.run("leavesTraced", { name: "unknown" });
    expect(refused).toMatchObject({
      code: "AR_UNKNOWN_TASK",
      moments: [["start", "unknown"], ["end"], ["error", "AR_UNKNOWN_TASK"], ["asyncStart", undefined], ["asyncEnd"]],
    });
  });
});

function withEvent(watched: ReturnType<typeof watch>) {
  return {
    offloader: watched.offloader,
    event: (id: string) => watched.event("succeeded", (recorded) => recorded.id === id),
  };
}

describe("the channel of runs", () => {
  it("tells in the thread of each attempt, also of promises and failures", async () => {
    const watched = watch("traced.mjs", { pool, name: "photos" });
    const { offloader } = watched;
    expect(await watched.event("threadStarted")).toMatchObject({ traced: true });
    const { threadId } = await watched.event("threadStarted");
    const handles = [
      offloader.offload("here"),
      offloader.offload("later"),
      offloader.offload("fails", { message: "no" }),
      offloader.offload("failsLater", { message: "later no" }),
    ];
    await offloader.idle();
    const moments = (await offloader.run("take")) as (RunMessage & { moment: string })[];
    const story = (id: string | undefined) => moments.filter((each) => each.id === id).map(({ moment }) => moment);
    const [here, later, fails, failsLater] = handles.map(({ id }) => id);
    expect(story(here)).toEqual(["start", "end"]);
    expect(story(later)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(story(fails)).toEqual(["start", "error", "end"]);
    expect(story(failsLater)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
    expect(moments[0]).toEqual({
      moment: "start",
      offloader: "photos",
      task: "here",
      kind: "task",
      id: here,
      attempt: 1,
      replayed: false,
      threadId,
      waitMs: undefined,
      carrier: undefined,
    });
    expect(moments.find(({ id, moment }) => id === failsLater && moment === "error")?.error).toBe("later no");
    expect(moments.find(({ id, moment }) => id === later && moment === "asyncEnd")?.result).toMatchObject({
      span: `span of ${later}/1`,
    });
  });

  it("binds its stores around the code of a task, across its awaits", async () => {
    const { offloader } = watch("traced.mjs", { pool });
    for (const task of ["here", "later"]) {
      const handle = offloader.offload(task);
      expect(await handle.result()).toMatchObject({ span: `span of ${handle.id}/1` });
    }
  });

  it("tells of callbacks on the main thread, within the context of their call", async () => {
    const run = tracingChannel<unknown, RunMessage>("after-response.run");
    const spans = new AsyncLocalStorage<string>();
    const request = new AsyncLocalStorage<string>();
    const recorded: [string, RunMessage][] = [];
    const subscribers = Object.fromEntries(
      ["start", "end", "asyncStart", "asyncEnd", "error"].map((moment) => [
        moment,
        (message: RunMessage) => void recorded.push([moment, { ...message }]),
      ]),
    );
    run.subscribe(subscribers as never);
    run.start.bindStore(spans, (message) => `span of ${(message as RunMessage).id}`);
    onTestFinished(() => {
      run.unsubscribe(subscribers as never);
      run.start.unbindStore(spans);
    });
    const { offloader } = watch("tasks.mjs", { pool, name: "photos" });
    const { response, over } = makeResponse();
    const handle = request.run("r-1", () =>
      offloader.runAfterResponse(response, async function mail() {
        await null;
        return [request.getStore(), spans.getStore()];
      }),
    );
    over();
    expect(await handle.result()).toEqual(["r-1", `span of ${handle.id}`]);
    expect(recorded.map(([moment]) => moment)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(recorded[0]?.[1]).toMatchObject({
      offloader: "photos",
      task: "mail",
      kind: "callback",
      threadId: 0,
      attempt: 1,
    });
  });
});

describe("aroundTask", () => {
  it("goes around every attempt, the first one registered outermost", async () => {
    const { offloader } = watch("traced.mjs", { pool });
    for (const task of ["here", "later"]) {
      const handle = offloader.offload(task);
      expect(await handle.result()).toMatchObject({ scope: [`outer ${handle.id}`, `inner ${task}`] });
    }
  });

  it("fails the attempt where it throws", async () => {
    const { offloader } = watch("traced.mjs", { pool, context: () => "refused by the middleware" });
    expect(await rejection(offloader.run("here"))).toMatchObject({ name: "RangeError", message: "not today" });
  });
});

describe("the channels of events", () => {
  it("tell of each event with the name of the offloader", async () => {
    const recorded: [string, unknown][] = [];
    for (const name of eventNames) {
      // Channels are of the whole process: offloaders of other tests may still be closing.
      const note = (message: unknown) => {
        if ((message as { offloader: string }).offloader === "all events") recorded.push([name, message]);
      };
      subscribe(`after-response.${name}`, note);
      onTestFinished(() => void unsubscribe(`after-response.${name}`, note));
    }
    const watched = watch("tasks.mjs", { pool, name: "all events" });
    const { offloader } = watched;
    await offloader.run("echo", 1);
    await rejection(offloader.run("fails", {}));
    thrownBy(() => offloader.offload("", 1));
    await offloader.close();
    expect(recorded.map(([name]) => name)).toEqual(watched.recorded.map(({ event }) => event));
    for (const [index, [, message]] of recorded.entries()) {
      const { event, ...fields } = watched.recorded[index] ?? {};
      expect(message).toMatchObject({ offloader: "all events", event: fields });
    }
    expect(recorded.map(([name]) => name)).toEqual(
      expect.arrayContaining(["refused", "failed", "drained", "threadEnded"]),
    );
  });

  it("need no listener of on()", async () => {
    const ids: string[] = [];
    const note = (message: unknown) => void ids.push((message as { event: { id: string } }).event.id);
    subscribe("after-response.succeeded", note);
    onTestFinished(() => void unsubscribe("after-response.succeeded", note));
    const watched = watch("tasks.mjs", { pool });
    watched.deaf("succeeded");
    const gate = new Gate();
    const handle = watched.offloader.offload("blocked", { gate: gate.memory });
    gate.open();
    await handle.result();
    expect(ids).toEqual([handle.id]);
  });
});

// pause() and resume(): what waits, what goes on, and what ends a pause.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, type RecordedEvent, rejection, type Watched, watch } from "../support/offloader.js";
import { startProgram } from "../support/process.js";
import { makeResponse } from "../support/responses.js";

const options = { pool: { maxThreads: 1, abortGrace: 50 } };

/** An offloader whose thread is up, so that what waits does not wait for that. */
async function up(more: Parameters<typeof watch>[1] = {}): Promise<Watched> {
  const watched = watch("tasks.mjs", { ...options, ...more });
  await watched.offloader.ready();
  return watched;
}

const started = ({ recorded }: Watched): (string | undefined)[] =>
  recorded.filter(({ event }) => event === "started").map(({ id }) => id);

const ofTask =
  (task: string) =>
  (recorded: RecordedEvent): boolean =>
    recorded.task === task;

describe("a paused offloader", () => {
  it("starts nothing, lets what runs go on, and accepts what is dispatched", async () => {
    const watched = await up();
    const { offloader } = watched;
    const gate = new Gate();
    const running = offloader.offload("blocked", { gate: gate.memory, value: "ran on" });
    await gate.arrival();
    offloader.pause();
    const waiting = offloader.offload("echo", "waited");
    gate.open();
    expect(await running.result()).toBe("ran on");
    await handedOver();
    expect(waiting.state).toBe("queued");
    expect(offloader.stats()).toMatchObject({ queued: 1, running: 0, unfinished: 1, threads: { idle: 1 } });
    offloader.resume();
    expect(await waiting.result()).toBe("waited");
  });

  it("that was paused before anything starts what waits in its order", async () => {
    const watched = watch("tasks.mjs", options);
    const { offloader } = watched;
    offloader.pause();
    const handles = Array.from({ length: 20 }, (_, value) => offloader.offload("echo", value));
    await offloader.ready();
    await handedOver();
    expect(started(watched)).toEqual([]);
    offloader.resume();
    await offloader.idle();
    expect(started(watched)).toEqual(handles.map(({ id }) => id));
  });

  it("that was paused twice is resumed once", async () => {
    const { offloader } = await up();
    offloader.pause();
    offloader.pause();
    const handle = offloader.offload("echo", 1);
    offloader.resume();
    expect(await handle.result()).toBe(1);
    offloader.resume();
    expect(await offloader.run("echo", 2)).toBe(2);
  });

  it.each([123, null, "", {}])("refuses the name %j and pauses nothing by it", async (name) => {
    const { offloader } = await up();
    for (const call of ["pause", "resume"] as const) {
      expect(() => offloader[call](name as never)).toThrow(
        expect.objectContaining({ code: "AR_INVALID_ARGUMENT", message: expect.stringContaining(`${call}(name)`) }),
      );
    }
    expect(await offloader.run("echo", 1)).toBe(1);
  });

  it("warns of a name that nothing has, with the nearest", async () => {
    const watched = await up();
    watched.offloader.pause("eco" as never);
    expect((await watched.line(/names no task/)).message).toContain("did you mean echo?");
    expect(await watched.offloader.run("echo", 1)).toBe(1);
  });

  it("has callbacks wait as well, and runs them in their order", async () => {
    const { offloader } = await up();
    const ran: number[] = [];
    const { response, over } = makeResponse();
    offloader.pause();
    const handles = [1, 2, 3].map((n) => offloader.runAfterResponse(response, () => void ran.push(n)));
    over();
    await handedOver();
    await handedOver();
    expect(handles.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
    expect(ran).toEqual([]);
    offloader.resume();
    await offloader.idle();
    expect(ran).toEqual([1, 2, 3]);
  });

  it("has the next attempt of a task wait, too", async () => {
    const watched = await up();
    const { offloader } = watched;
    const handle = offloader.offload("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 0 });
    await watched.event("started");
    offloader.pause();
    await watched.events("queued", 2);
    await handedOver();
    expect([handle.state, started(watched).length]).toEqual(["queued", 1]);
    offloader.resume();
    expect(await handle.result()).toMatchObject({ attempt: 2 });
  });

  it("lets what waits be cancelled, and takes none of it up afterwards", async () => {
    const watched = await up();
    const { offloader } = watched;
    offloader.pause();
    const [first, second] = [offloader.offload("echo", 1), offloader.offload("echo", 2)];
    expect(first.cancel()).toBe(true);
    await rejection(first.result());
    offloader.resume();
    expect(await second.result()).toBe(2);
    expect(started(watched)).toEqual([second.id]);
  });
});

describe("a paused name", () => {
  it("waits alone: the others go on", async () => {
    const watched = await up();
    const { offloader } = watched;
    offloader.pause("echo");
    const waiting = [1, 2, 3].map((value) => offloader.offload("echo", value));
    expect(await offloader.run("add", { a: 1, b: 2 })).toBe(3);
    expect(waiting.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
    expect(offloader.stats().tasks.echo).toMatchObject({ queued: 3, running: 0 });
    offloader.resume("echo");
    await offloader.idle();
    expect(watched.recorded.filter(({ event }) => event === "started").map(({ task }) => task)).toEqual([
      "add",
      "echo",
      "echo",
      "echo",
    ]);
    expect(started(watched).slice(1)).toEqual(waiting.map(({ id }) => id));
  });

  it("keeps the order of its priorities", async () => {
    const watched = await up();
    const { offloader } = watched;
    offloader.pause("echo");
    const handles = (["low", "normal", "high"] as const).map((priority) => offloader.offload("echo", 1, { priority }));
    await offloader.run("add", { a: 1, b: 2 });
    offloader.resume("echo");
    await offloader.idle();
    expect(started(watched).slice(1)).toEqual(handles.map(({ id }) => id).reverse());
  });

  it("is paused apart from the offloader: each pause is lifted by its own resume", async () => {
    const watched = await up();
    const { offloader } = watched;
    offloader.pause();
    offloader.pause("echo");
    const [echo, add] = [offloader.offload("echo", 1), offloader.offload("add", { a: 1, b: 2 })];
    offloader.resume("echo");
    await handedOver();
    expect([echo.state, add.state]).toEqual(["queued", "queued"]);
    offloader.pause("echo");
    offloader.resume();
    expect(await add.result()).toBe(3);
    expect(echo.state).toBe("queued");
    offloader.resume("add");
    offloader.resume("echo");
    expect(await echo.result()).toBe(1);
  });

  it("of a callback is the name of its function", async () => {
    const { offloader } = await up();
    const ran: string[] = [];
    const { response, over } = makeResponse();
    offloader.pause("sendMail");
    offloader.runAfterResponse(response, function sendMail() {
      ran.push("sendMail");
    });
    const other = offloader.runAfterResponse(response, function notify() {
      ran.push("notify");
    });
    over();
    await other.result();
    expect(ran).toEqual(["notify"]);
    offloader.resume("sendMail");
    await offloader.idle();
    expect(ran).toEqual(["notify", "sendMail"]);
  });
});

describe("a pause is lifted", () => {
  async function paused() {
    const watched = await up();
    watched.offloader.pause();
    watched.offloader.pause("echo");
    const handles = [watched.offloader.offload("echo", 1), watched.offloader.offload("add", { a: 1, b: 2 })];
    return { ...watched, offloader: watched.offloader, handles, watched };
  }

  it("by drain(), for good", async () => {
    const { offloader, handles } = await paused();
    expect(await offloader.drain()).toEqual({ drained: true, unfinished: [] });
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    // The process goes on, and may pause again.
    offloader.pause();
    const waiting = offloader.offload("echo", 2);
    await handedOver();
    expect(waiting.state).toBe("queued");
    expect((await offloader.drain()).drained).toBe(true);
  });

  it("by close()", async () => {
    const { offloader, handles } = await paused();
    expect(await offloader.close()).toMatchObject({ completed: 2, abandoned: [] });
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  });

  it("by a shutdown", async () => {
    const { offloader, handles } = await paused();
    const shutdown = offloader.shutdownOnSignals(undefined, { exit: false, drainDelay: 0 });
    expect(await shutdown.close()).toMatchObject({ completed: 2, abandoned: [] });
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  });

  it("and is no longer possible once close() has begun", async () => {
    const { offloader } = await up();
    offloader.on("draining", () => offloader.pause());
    const handle = offloader.offload("echo", 1);
    expect(await offloader.close()).toMatchObject({ completed: 1, abandoned: [] });
    expect(handle.state).toBe("succeeded");
  });

  it("while a drain has begun already, by the next drain", async () => {
    const watched = await up();
    const { offloader } = watched;
    const gate = new Gate();
    offloader.offload("waiting", { gate: gate.memory });
    await watched.event("started", ofTask("waiting"));
    const first = offloader.drain();
    offloader.pause();
    offloader.offload("echo", 1);
    const second = offloader.drain();
    gate.open();
    expect([(await first).drained, (await second).drained]).toEqual([true, true]);
  });
});

describe("a process whose offloader is paused", () => {
  const file = "test/offloader/programs/paused.ts";

  it("stays alive with unfinished work, and ends when that is done", async () => {
    const program = await startProgram(file, { args: ["work"], ready: /^alive$/m });
    program.kill("SIGUSR2");
    const { code, stdout, stderr } = await program.exited;
    expect([code, stdout, complaints(stderr)]).toEqual([0, "paused\nalive\nresult done\n", []]);
  });

  it.each(["idle", "cancelled"])("ends without unfinished work (%s)", async (mode) => {
    const program = await startProgram(file, { args: [mode], ready: /^paused$/m });
    const { code, stdout, stderr } = await program.exited;
    expect([code, stdout, complaints(stderr)]).toEqual([0, "paused\n", []]);
  });

  /** The lines of the log that are more than information. */
  function complaints(stderr: string): string[] {
    return stderr.split("\n").filter((line) => line !== "" && !line.startsWith("[offload-after-response] info: "));
  }
});

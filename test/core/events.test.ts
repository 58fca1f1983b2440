// The emitter: a move runs to completion, then its events are told, in order; and a listener cannot break anything.
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Events } from "../../src/core/events.js";

function create() {
  const reported: [unknown, string][] = [];
  const events = new Events((error, name) => void reported.push([error, name]));
  /** A move in which events are emitted, or whatever else is done. */
  const move = (make: () => void): void => {
    events.beginMove();
    try {
      make();
    } finally {
      events.endMove();
    }
  };
  const emit = (unfinished = 3): void => move(() => events.emit("draining", { unfinished }));
  return { events, reported, move, emit };
}

const draining = { unfinished: 3 };

describe("listeners", () => {
  it("of a name are all told, in the order of registration, and no others", () => {
    const { events, emit } = create();
    const heard: unknown[] = [];
    events.on("draining", (event) => void heard.push(["first", event]));
    events.on("draining", (event) => void heard.push(["second", event]));
    events.on("drained", (event) => void heard.push(["other", event]));
    emit();
    expect(heard).toEqual([
      ["first", draining],
      ["second", draining],
    ]);
  });

  it("are there from the first one on until the last is removed", () => {
    const { events, emit } = create();
    expect(events.has("draining")).toBe(false);
    const removals = [events.on("draining", () => {}), events.on("draining", () => {})];
    for (const remove of removals) {
      expect(events.has("draining")).toBe(true);
      remove();
      remove();
    }
    expect(events.has("draining")).toBe(false);
    emit();
  });

  it("that were removed are told no more, the others are", () => {
    const { events, emit } = create();
    const heard: string[] = [];
    const remove = events.on("draining", () => void heard.push("removed"));
    events.on("draining", () => void heard.push("left"));
    remove();
    emit();
    expect(heard).toEqual(["left"]);
  });

  it("that are one function registered twice are told twice, and removed one registration at a time", () => {
    const { events, emit } = create();
    let recorded = 0;
    const listener = () => void recorded++;
    const remove = events.on("draining", listener);
    events.on("draining", listener);
    emit();
    expect(recorded).toBe(2);
    remove();
    emit();
    expect(recorded).toBe(3);
  });

  it("that throw are reported, and the next is told all the same", () => {
    const { events, reported, emit } = create();
    const heard: unknown[] = [];
    const broken = new Error("broken");
    events.on("draining", () => {
      throw broken;
    });
    events.on("draining", (event) => void heard.push(event));
    emit();
    emit();
    expect(heard).toEqual([draining, draining]);
    expect(reported).toEqual([
      [broken, "draining"],
      [broken, "draining"],
    ]);
  });

  it("that reject are reported, and are no unhandledRejection", async () => {
    const { events, reported, emit } = create();
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    events.on("draining", async () => {
      await turn();
      throw "rejected";
    });
    emit();
    await turn();
    await turn();
    process.off("unhandledRejection", note);
    expect(reported).toEqual([["rejected", "draining"]]);
    expect(unhandled).toEqual([]);
  });

  it("that are added or removed by a listener change the next event, not this one", () => {
    const { events, emit } = create();
    const heard: string[] = [];
    events.on("draining", () => {
      removeSecond();
      events.on("draining", () => void heard.push("late"));
    });
    const removeSecond = events.on("draining", () => void heard.push("second"));
    emit();
    expect(heard).toEqual(["second"]);
    emit();
    expect(heard).toEqual(["second", "late"]);
  });
});

describe("events of a move", () => {
  it("are told when the outermost move is complete, before its last call returns", () => {
    const { events, move, emit } = create();
    const heard: number[] = [];
    events.on("draining", ({ unfinished }) => void heard.push(unfinished));
    move(() => {
      emit(1);
      emit(2);
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual([1, 2]);
  });

  it("are told though the move throws", () => {
    const { events, move } = create();
    const heard: number[] = [];
    events.on("draining", ({ unfinished }) => void heard.push(unfinished));
    const broken = new Error("broken");
    expect(() =>
      move(() => {
        events.emit("draining", draining);
        throw broken;
      }),
    ).toThrow(broken);
    expect(heard).toEqual([3]);
  });

  it("that a listener causes come after those that wait, and every listener hears all in one order", () => {
    const { events, move, emit } = create();
    const heard: Record<"first" | "second", number[]> = { first: [], second: [] };
    events.on("draining", ({ unfinished }) => {
      heard.first.push(unfinished);
      if (unfinished < 10) emit(unfinished + 10);
    });
    events.on("draining", ({ unfinished }) => void heard.second.push(unfinished));
    move(() => {
      emit(1);
      emit(2);
    });
    expect(heard).toEqual({ first: [1, 2, 11, 12], second: [1, 2, 11, 12] });
  });

  it("and jobs come in the order in which they were asked for", () => {
    const { events, move } = create();
    const heard: string[] = [];
    events.on("draining", ({ unfinished }) => void heard.push(`event ${unfinished}`));
    move(() => {
      events.later(() => void heard.push("job 1"));
      events.emit("draining", draining);
      events.later(() => void heard.push("job 2"));
    });
    expect(heard).toEqual(["job 1", "event 3", "job 2"]);
  });
});

describe("events outside of a move", () => {
  it("are told in a microtask, those of one step together", async () => {
    const { events } = create();
    const heard: number[] = [];
    events.on("draining", ({ unfinished }) => void heard.push(unfinished));
    for (const unfinished of [1, 2]) events.emit("draining", { unfinished });
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(heard).toEqual([1, 2]);
  });

  it("come before those of a move that is made meanwhile", async () => {
    const { events, emit } = create();
    const heard: number[] = [];
    events.on("draining", ({ unfinished }) => void heard.push(unfinished));
    events.emit("draining", { unfinished: 1 });
    emit(2);
    expect(heard).toEqual([1, 2]);
    await Promise.resolve();
    expect(heard).toEqual([1, 2]);
  });

  it("are told in no request's async context; those of a move in that of the move", async () => {
    const { events, emit } = create();
    const request = new AsyncLocalStorage<string>();
    const heard: (string | undefined)[] = [];
    events.on("draining", () => void heard.push(request.getStore()));
    request.run("of the request", () => emit());
    request.run("of the request", () => events.emit("draining", draining));
    await turn();
    expect(heard).toEqual(["of the request", undefined]);
  });
});

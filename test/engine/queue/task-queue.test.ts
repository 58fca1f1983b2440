// The queue, case by case: limits by name, retries, tasks taken back, keys, cancelled tasks.
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../../src/base/errors.js";
import type { TaskDefinition } from "../../../../src/core/definition.js";
import type { Dispatch, Task } from "../../../../src/core/task.js";
import { TaskQueue } from "../../../../src/engine/threads/queue/task-queue.js";
import { FakeTiming } from "../../../support/fake-timing.js";
import { survivors } from "../../../support/garbage.js";
import { createLedger, defineTask, ids, makeTask } from "../../../support/tasks.js";

function create() {
  const { ledger, events } = createLedger();
  const timing = new FakeTiming();
  const woken = { times: 0 };
  const queue = new TaskQueue(ledger, () => void woken.times++, timing);
  const yes = (): boolean => true;
  return {
    ledger,
    events,
    timing,
    woken,
    queue,
    add(definition: TaskDefinition, dispatch: Partial<Dispatch> = {}): Task {
      const task = makeTask(definition, dispatch);
      ledger.accept(task);
      queue.add(task);
      return task;
    },
    take: () => queue.take(yes),
    succeed: (task: Task) => ledger.succeeded(task, undefined),
    cancel: (task: Task) =>
      queue.withdraw(task, () => ledger.cancelled(task, new OffloadError("AR_CANCELLED", "cancelled"))),
    takeAll(): Task[] {
      const taken: Task[] = [];
      for (let task = queue.take(yes); task !== undefined; task = queue.take(yes)) taken.push(task);
      return taken;
    },
  };
}

const plain = defineTask("plain");

describe("the queue", () => {
  it("starts what it gives, and gives nothing that is not accepted by who asks", () => {
    const { queue, add, take } = create();
    const [first, second] = [add(plain), add(plain)];
    expect(queue.take((task) => task !== first)).toBeUndefined();
    expect([first.state, first.attempt, queue.length]).toEqual(["queued", 0, 2]);
    expect(take()?.id).toBe(first.id);
    expect([first.state, first.attempt, queue.length]).toEqual(["running", 1, 1]);
    expect(take()?.id).toBe(second.id);
    expect(take()).toBeUndefined();
  });

  it("wakes who takes for each task that comes", () => {
    const { add, woken } = create();
    add(plain);
    add(plain);
    expect(woken.times).toBe(2);
  });

  it("counts right when a listener cancels the task it is told of", () => {
    const { events, queue, add, cancel, ledger, takeAll } = create();
    let victim = true;
    const remove = events.on("queued", ({ id }) => {
      const task = ledger.list().find((other) => other.id === id);
      if (victim && task) cancel(task);
      victim = !victim;
    });
    const tasks = Array.from({ length: 5_000 }, () => add(plain));
    remove();
    expect(queue.length).toBe(2_500);
    expect(ids(takeAll())).toEqual(ids(tasks.filter((_, index) => index % 2 === 1)));
    expect(queue.length).toBe(0);
  });
});

describe("a limit of tasks of one name at a time", () => {
  it("holds, and lets the others pass", () => {
    const { add, take, succeed } = create();
    const limited = defineTask("limited", { concurrency: 2 });
    const tasks = [add(limited), add(limited), add(limited), add(plain)] as const;
    expect(ids([take(), take(), take(), take()])).toEqual(ids([tasks[0], tasks[1], tasks[3], undefined]));
    succeed(tasks[1]);
    expect(take()?.id).toBe(tasks[2].id);
  });

  it("wakes who takes when one of the name ends, fails or is tried again later", () => {
    const { add, take, succeed, woken, queue } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const tasks = Array.from({ length: 4 }, () => add(limited));
    expect(ids([take(), take()])).toEqual(ids([tasks[0], undefined]));
    let before = woken.times;
    succeed(tasks[0] as Task);
    expect(woken.times).toBeGreaterThan(before);
    expect(ids([take(), take()])).toEqual(ids([tasks[1], undefined]));
    before = woken.times;
    queue.retry(tasks[1] as Task, 100, new Error("again"));
    expect(woken.times).toBeGreaterThan(before);
    expect(ids([take(), take()])).toEqual(ids([tasks[2], undefined]));
  });

  it("keeps the order of arrival when several may start at once", () => {
    const { add, take, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 3 });
    const tasks = Array.from({ length: 12 }, () => add(limited));
    for (let round = 0; round < 12; round += 3) {
      expect(ids(takeAll())).toEqual(ids(tasks.slice(round, round + 3)));
      for (const task of tasks.slice(round, round + 3)) succeed(task);
    }
    expect(take()).toBeUndefined();
  });

  it("keeps the order when one of a higher lane takes the free place first", () => {
    const { add, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const low = Array.from({ length: 3 }, () => add(limited, { priority: "low" }));
    expect(ids(takeAll())).toEqual(ids([low[0]]));
    succeed(low[0] as Task);
    const high = add(limited, { priority: "high" });
    expect(ids(takeAll())).toEqual(ids([high]));
    succeed(high);
    expect(ids(takeAll())).toEqual(ids([low[1]]));
    succeed(low[1] as Task);
    expect(ids(takeAll())).toEqual(ids([low[2]]));
  });

  it("lets a task of high priority pass those of its name that wait in a lower lane", () => {
    const { add, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const low = Array.from({ length: 50 }, () => add(limited, { priority: "low" }));
    expect(ids(takeAll())).toEqual(ids([low[0]]));
    const high = add(limited, { priority: "high" });
    expect(ids(takeAll())).toEqual(ids([]));
    succeed(low[0] as Task);
    expect(ids(takeAll())).toEqual(ids([high]));
  });

  it("does not use up the turns of its lane: behind it low has one in 256 all the same", () => {
    const { add, take } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    for (let i = 0; i < 500; i++) add(limited, { priority: "low" });
    const behind = add(plain, { priority: "low" });
    for (let i = 0; i < 2_000; i++) add(plain, { priority: "high" });
    const taken = Array.from({ length: 512 }, () => take());
    expect(ids(taken)).toContain(behind.id);
  });

  it("lets go of one that is cancelled while it waits for its turn", () => {
    const { queue, add, takeAll, succeed, cancel } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const tasks = Array.from({ length: 6 }, () => add(limited));
    expect(ids(takeAll())).toEqual(ids([tasks[0]]));
    cancel(tasks[1] as Task);
    cancel(tasks[3] as Task);
    succeed(tasks[0] as Task);
    // Back in its lane, and cancelled there: the next has its turn.
    cancel(tasks[2] as Task);
    expect(queue.length).toBe(1);
    expect(ids(takeAll())).toEqual(ids([tasks[4]]));
    succeed(tasks[4] as Task);
    expect(ids(takeAll())).toEqual(ids([tasks[5]]));
    expect(queue.length).toBe(0);
  });

  it("keeps nothing of those that were cancelled while they waited for their turn, however many", async () => {
    const { ledger, queue, add, take, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const running = add(limited);
    expect(take()?.id).toBe(running.id);
    // One error for all, made here: an error keeps the functions of its stack.
    const reason = new OffloadError("AR_CANCELLED", "cancelled");
    const cancelled = Array.from({ length: 5_000 }, () => new WeakRef(add(limited)));
    const last = add(limited);
    expect(take()).toBeUndefined();
    for (const reference of cancelled) {
      const task = reference.deref() as Task;
      queue.withdraw(task, () => ledger.cancelled(task, reason));
    }
    expect(await survivors(cancelled)).toBeLessThanOrEqual(1_025);
    succeed(running);
    expect(ids(takeAll())).toEqual([last.id]);
  });

  it("lets 100,000 wait, and looks at each once", () => {
    const { add, take, succeed } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const reads = { count: 0 };
    const first = add(limited);
    expect(take()?.id).toBe(first.id);
    const waiting = Array.from({ length: 100_000 }, () => add(limited));
    for (const task of waiting) countReads(task, reads);
    let running: Task | undefined = first;
    let ended = 0;
    while (running !== undefined) {
      succeed(running);
      ended++;
      running = take();
    }
    expect(ended).toBe(100_001);
    expect(reads.count / waiting.length).toBeLessThan(12);
  });
});

describe("a task that failed", () => {
  it("comes back behind the others when its delay is over", () => {
    const { queue, timing, add, take, takeAll, woken } = create();
    const failed = add(plain);
    expect(take()?.id).toBe(failed.id);
    queue.retry(failed, 100, new Error("again"));
    const other = add(plain);
    expect(failed.state).toBe("delayed");
    timing.advance(99);
    expect(failed.state).toBe("delayed");
    const before = woken.times;
    timing.advance(1);
    expect(failed.state).toBe("queued");
    expect(woken.times).toBe(before + 1);
    expect(ids(takeAll())).toEqual(ids([other, failed]));
    expect(failed.attempt).toBe(2);
  });

  it("can be cancelled while it waits, and its timer with it", () => {
    const { queue, timing, add, take, cancel } = create();
    const failed = add(plain);
    take();
    queue.retry(failed, 100, new Error("again"));
    cancel(failed);
    expect([failed.state, timing.pending, queue.length]).toEqual(["cancelled", 0, 0]);
  });
});

describe("tasks that are taken back", () => {
  it("from the last to the first stand at the head again in their order, as if never started", () => {
    const { queue, add, take, takeAll, woken } = create();
    const tasks = Array.from({ length: 5 }, () => add(plain));
    for (let i = 0; i < 3; i++) take();
    const before = woken.times;
    for (const task of [...tasks.slice(0, 3)].reverse()) queue.takeBack(task);
    expect(woken.times).toBeGreaterThan(before);
    expect(tasks.map(({ attempt }) => attempt)).toEqual([0, 0, 0, 0, 0]);
    expect(ids(takeAll())).toEqual(ids(tasks));
  });

  it("can be cancelled then", () => {
    const { queue, add, take, takeAll, cancel } = create();
    const [first, second] = [add(plain), add(plain)];
    take();
    queue.takeBack(first);
    cancel(first);
    expect(queue.length).toBe(1);
    expect(ids(takeAll())).toEqual(ids([second]));
  });
});

describe("a task that waits for another with its key", () => {
  function withFollower() {
    const parts = create();
    const running = parts.add(plain, { key: "k" });
    parts.queue.keys.claim(running, "k");
    expect(parts.take()).toBe(running);
    const follower = makeTask(plain, { key: "k" });
    parts.queue.keys.claim(follower, "k");
    parts.ledger.accept(follower);
    return { ...parts, running, follower };
  }

  it("cannot be taken until that has ended, and then can", () => {
    const { queue, running, follower, take, succeed, woken } = withFollower();
    queue.add(follower);
    expect([follower.state, queue.length, take()]).toEqual(["queued", 0, undefined]);
    const before = woken.times;
    succeed(running);
    expect([queue.length, woken.times]).toEqual([1, before + 1]);
    expect(take()?.id).toBe(follower.id);
  });

  it("waits also while that one waits for its next attempt", () => {
    const { queue, timing, running, follower, take, succeed } = withFollower();
    queue.add(follower);
    queue.retry(running, 50, new Error("again"));
    expect(take()).toBeUndefined();
    timing.advance(50);
    expect(take()?.id).toBe(running.id);
    expect(take()).toBeUndefined();
    succeed(running);
    expect(take()?.id).toBe(follower.id);
  });

  it("whose response ends later than that one waits no more", () => {
    const { queue, running, follower, take, succeed } = withFollower();
    succeed(running);
    expect(take()).toBeUndefined();
    queue.add(follower);
    expect(take()?.id).toBe(follower.id);
  });

  it("can be cancelled, and nothing of it is left in the count", () => {
    const { queue, running, follower, take, succeed, cancel } = withFollower();
    queue.add(follower);
    cancel(follower);
    expect(queue.length).toBe(0);
    succeed(running);
    expect([queue.length, take()]).toEqual([0, undefined]);
    expect(queue.keys.find("plain", "k")).toBeUndefined();
  });
});

function countReads(task: Task, reads: { count: number }): void {
  let { state } = task;
  Object.defineProperty(task, "state", {
    get() {
      reads.count++;
      return state;
    },
    set(value: typeof state) {
      state = value;
    },
  });
}

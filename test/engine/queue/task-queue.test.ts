// The queue, case by case: limits by name, retries, tasks taken back, keys, cancelled tasks, pauses.
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import type { TaskDefinition } from "../../../src/core/definition.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import { FakeClock } from "../../support/fake-clock.js";
import { survivors } from "../../support/garbage.js";
import { defineTask, ids } from "../../support/tasks.js";
import { TestHost } from "../host.js";
import { countLooks } from "../subject.js";
import { QueueEngine } from "./queue-engine.js";

function create() {
  const clock = new FakeClock();
  const engine = new QueueEngine();
  const host = new TestHost(engine, { clock });
  host.start();
  return {
    clock,
    engine,
    host,
    queue: engine.queue,
    scheduler: host.scheduler,
    hold: (definition: TaskDefinition, dispatch?: Partial<Dispatch>) => host.hold(definition, dispatch),
    add: (definition: TaskDefinition, dispatch?: Partial<Dispatch>) => host.add(definition, dispatch),
    take: () => engine.take(),
    takeAll: () => engine.takeAll(),
    succeed: (task: Task) => engine.succeed(task),
    cancel: (task: Task) => host.scheduler.cancel(task, undefined),
  };
}

const plain = defineTask("plain");

describe("the queue", () => {
  it("starts what it gives, and not what it shows", () => {
    const { queue, add, take } = create();
    const [first, second] = [add(plain), add(plain)];
    expect([queue.peek(), queue.peek()]).toEqual([first, first]);
    expect([first.state, first.attempt, queue.length]).toEqual(["queued", 0, 2]);
    expect(take()?.id).toBe(first.id);
    expect([first.state, first.attempt, queue.length]).toEqual(["running", 1, 1]);
    expect(take()?.id).toBe(second.id);
    expect(take()).toBeUndefined();
  });

  it("wakes who takes for each task that comes", () => {
    const { add, engine } = create();
    add(plain);
    add(plain);
    expect(engine.woken).toBe(2);
  });

  it("counts right when a listener cancels the task it is told of", () => {
    const { host, queue, add, cancel, takeAll } = create();
    let victim = true;
    const remove = host.events.on("queued", ({ id }) => {
      const task = host.ledger.list().find((other) => other.id === id);
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
    const { add, take, succeed, engine } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const tasks = Array.from({ length: 4 }, () => add(limited, { attempts: 2, backoff: 100 }));
    expect(ids([take(), take()])).toEqual(ids([tasks[0], undefined]));
    let before = engine.woken;
    succeed(tasks[0] as Task);
    expect(engine.woken).toBeGreaterThan(before);
    expect(ids([take(), take()])).toEqual(ids([tasks[1], undefined]));
    before = engine.woken;
    engine.fail(tasks[1] as Task);
    expect(engine.woken).toBeGreaterThan(before);
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

  it("has one come forward in the place of another that is cancelled at the head of its lane", () => {
    const { add, takeAll, succeed, cancel, engine } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const tasks = Array.from({ length: 3 }, () => add(limited));
    expect(ids(takeAll())).toEqual(ids([tasks[0]]));
    succeed(tasks[0] as Task);
    const before = engine.woken;
    cancel(tasks[1] as Task);
    expect(engine.woken).toBeGreaterThan(before);
    expect(ids(takeAll())).toEqual(ids([tasks[2]]));
  });

  it("keeps nothing of those that were cancelled while they waited for their turn, however many", async () => {
    const { host, queue, add, take, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 1 });
    const running = add(limited);
    expect(take()?.id).toBe(running.id);
    // One error for all, made here: an error keeps the functions of its stack.
    const reason = new OffloadError("AR_CANCELLED", "cancelled");
    host.heard.length = 0;
    const cancelled = Array.from({ length: 5_000 }, () => new WeakRef(add(limited)));
    const last = add(limited);
    expect(take()).toBeUndefined();
    for (const reference of cancelled) {
      const task = reference.deref() as Task;
      queue.remove(task);
      host.ledger.cancelled(task, reason);
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
    for (const task of waiting) countLooks(task, reads);
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
    const { engine, clock, add, take, takeAll } = create();
    const failed = add(plain, { attempts: 2, backoff: 100 });
    expect(take()?.id).toBe(failed.id);
    engine.fail(failed);
    const other = add(plain);
    expect(failed.state).toBe("delayed");
    clock.advance(99);
    expect(failed.state).toBe("delayed");
    const before = engine.woken;
    clock.advance(1);
    expect(failed.state).toBe("queued");
    expect(engine.woken).toBe(before + 1);
    expect(ids(takeAll())).toEqual(ids([other, failed]));
    expect(failed.attempt).toBe(2);
  });

  it("can be cancelled while it waits, and its timer with it", () => {
    const { engine, queue, clock, add, take, cancel } = create();
    const failed = add(plain, { attempts: 2, backoff: 100 });
    take();
    engine.fail(failed);
    cancel(failed);
    expect([failed.state, clock.pending, queue.length]).toEqual(["cancelled", 0, 0]);
  });
});

describe("tasks that are taken back", () => {
  it("from the last to the first stand at the head again in their order, as if never started", () => {
    const { engine, add, take, takeAll } = create();
    const tasks = Array.from({ length: 5 }, () => add(plain));
    for (let i = 0; i < 3; i++) take();
    const before = engine.woken;
    for (const task of [...tasks.slice(0, 3)].reverse()) engine.takeBack(task);
    expect(engine.woken).toBeGreaterThan(before);
    expect(tasks.map(({ attempt }) => attempt)).toEqual([0, 0, 0, 0, 0]);
    expect(ids(takeAll())).toEqual(ids(tasks));
  });

  it("stand before those of their name that were set aside because of them", () => {
    const { engine, add, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 2 });
    const tasks = Array.from({ length: 5 }, () => add(limited));
    expect(ids(takeAll())).toEqual(ids(tasks.slice(0, 2)));
    for (const task of [tasks[1], tasks[0]] as Task[]) engine.takeBack(task);
    const taken: Task[] = [];
    for (let batch = takeAll(); batch.length > 0; batch = takeAll()) {
      taken.push(...batch);
      for (const task of batch) succeed(task);
    }
    expect(ids(taken)).toEqual(ids(tasks));
  });

  it("can be cancelled then", () => {
    const { engine, queue, add, take, takeAll, cancel } = create();
    const [first, second] = [add(plain), add(plain)];
    take();
    engine.takeBack(first);
    cancel(first);
    expect(queue.length).toBe(1);
    expect(ids(takeAll())).toEqual(ids([second]));
  });
});

describe("a task that waits for another with its key", () => {
  function withFollower() {
    const parts = create();
    const running = parts.add(plain, { key: "k", attempts: 2, backoff: 50 });
    expect(parts.take()).toBe(running);
    const follower = parts.hold(plain, { key: "k" });
    return { ...parts, running, follower };
  }

  it("cannot be taken until that has ended, and then can", () => {
    const { engine, queue, scheduler, running, follower, take, succeed } = withFollower();
    scheduler.release(follower);
    expect([follower.state, queue.length, take()]).toEqual(["queued", 0, undefined]);
    const before = engine.woken;
    succeed(running);
    expect([queue.length, engine.woken]).toEqual([1, before + 1]);
    expect(take()?.id).toBe(follower.id);
  });

  it("waits also while that one waits for its next attempt", () => {
    const { engine, clock, scheduler, running, follower, take, succeed } = withFollower();
    scheduler.release(follower);
    engine.fail(running);
    expect(take()).toBeUndefined();
    clock.advance(50);
    expect(take()?.id).toBe(running.id);
    expect(take()).toBeUndefined();
    succeed(running);
    expect(take()?.id).toBe(follower.id);
  });

  it("whose response ends later than that one waits no more", () => {
    const { scheduler, running, follower, take, succeed } = withFollower();
    succeed(running);
    expect(take()).toBeUndefined();
    scheduler.release(follower);
    expect(take()?.id).toBe(follower.id);
  });

  it("can be cancelled, and nothing of it is left in the count", () => {
    const { queue, scheduler, running, follower, take, succeed, cancel } = withFollower();
    scheduler.release(follower);
    cancel(follower);
    expect(queue.length).toBe(0);
    succeed(running);
    expect([queue.length, take()]).toEqual([0, undefined]);
    expect(scheduler.keys.find("plain", "k")).toBeUndefined();
  });
});

describe("a paused queue", () => {
  it("gives nothing and counts nothing, takes what comes, and then gives all in its order", () => {
    const { engine, queue, add, takeAll } = create();
    const before = add(plain);
    queue.pause();
    const meanwhile = add(plain, { priority: "high" });
    expect([queue.length, engine.take()]).toEqual([0, undefined]);
    const { woken } = engine;
    queue.resume();
    expect(engine.woken).toBeGreaterThan(woken);
    expect(ids(takeAll())).toEqual(ids([meanwhile, before]));
  });

  it("lets go of what is cancelled meanwhile", () => {
    const { queue, add, cancel, takeAll } = create();
    const tasks = [add(plain), add(plain), add(plain)] as const;
    queue.pause();
    cancel(tasks[1]);
    queue.resume();
    expect(ids(takeAll())).toEqual(ids([tasks[0], tasks[2]]));
  });

  it("takes back what was started and did not begin", () => {
    const { engine, queue, add, take, takeAll } = create();
    const [first, second] = [add(plain), add(plain)];
    take();
    queue.pause();
    engine.takeBack(first);
    expect(takeAll()).toEqual([]);
    queue.resume();
    expect(ids(takeAll())).toEqual(ids([first, second]));
  });
});

describe("a paused name", () => {
  it("waits while the others pass, and comes before what arrives after it", () => {
    const { engine, queue, add, takeAll } = create();
    const other = defineTask("other");
    const paused = [add(plain), add(plain)];
    queue.pause("plain");
    paused.push(add(plain));
    const passing = add(other);
    expect(ids(takeAll())).toEqual([passing.id]);
    const { woken } = engine;
    queue.resume("plain");
    expect(engine.woken).toBeGreaterThan(woken);
    paused.push(add(plain));
    expect(ids(takeAll())).toEqual(ids(paused));
  });

  it("keeps its limit when it is resumed, and stays paused when one that runs ends", () => {
    const { queue, add, takeAll, succeed } = create();
    const limited = defineTask("limited", { concurrency: 2 });
    const tasks = Array.from({ length: 5 }, () => add(limited));
    expect(ids(takeAll())).toEqual(ids(tasks.slice(0, 2)));
    queue.pause("limited");
    succeed(tasks[0] as Task);
    succeed(tasks[1] as Task);
    expect(takeAll()).toEqual([]);
    queue.resume("limited");
    expect(ids(takeAll())).toEqual(ids(tasks.slice(2, 4)));
    succeed(tasks[2] as Task);
    expect(ids(takeAll())).toEqual(ids(tasks.slice(4)));
  });

  it("stays paused when the whole queue is resumed, and the whole queue when the name is", () => {
    const { queue, add, takeAll } = create();
    const other = add(defineTask("other"));
    const task = add(plain);
    queue.pause();
    queue.pause("plain");
    queue.resume();
    expect(ids(takeAll())).toEqual([other.id]);
    queue.pause();
    queue.resume("plain");
    expect(takeAll()).toEqual([]);
    queue.resume();
    expect(ids(takeAll())).toEqual([task.id]);
  });

  it("lets go of what is cancelled meanwhile, also of the one at its head", () => {
    const { queue, add, takeAll, cancel } = create();
    const tasks = Array.from({ length: 4 }, () => add(plain));
    queue.pause("plain");
    expect(takeAll()).toEqual([]);
    cancel(tasks[0] as Task);
    cancel(tasks[2] as Task);
    queue.resume("plain");
    // At the head of its lane now.
    cancel(tasks[1] as Task);
    expect(ids(takeAll())).toEqual(ids([tasks[3]]));
    expect(queue.length).toBe(0);
  });
});

// Runs what was kept, and counts how it ended.
import { AssertionError } from "node:assert";
import { boolean, checkOptions, either, integer, type Rules, string, stringList } from "../../base/option-rules.js";
import type { Task } from "../../core/task.js";
import type { Inside } from "../../intake/inside.js";
import type { DrainCounts, DrainOptions } from "../contract.js";
import type { Names } from "../names.js";
import type { Activity } from "./activity.js";
import type { FrozenClock } from "./frozen-clock.js";
import type { KitEngine } from "./kit-engine.js";
import { isOfNoTest } from "./swap.js";
import type { TasksHere } from "./tasks-here.js";

export interface DrainParts {
  readonly engine: KitEngine;
  readonly clock: FrozenClock;
  readonly inside: Inside;
  readonly activity: Activity;
  readonly here: TasksHere;
  readonly names: Names;
}

const rules: Rules = {
  retries: boolean,
  only: { ...either(string, stringList), expected: "the name of a task, or an array of names" },
  most: integer(1),
};

export async function drain(parts: DrainParts, options: DrainOptions): Promise<DrainCounts> {
  checkOptions("drain", options, rules);
  const { engine, activity, clock, here } = parts;
  const { ledger, scheduler } = parts.inside;
  const { retries = false, only, most = 1_000 } = options;
  const names = only === undefined ? undefined : new Set(typeof only === "string" ? [only] : only);
  for (const name of names ?? []) parts.names.check(name);
  const isMeant = ({ definition }: Task): boolean => names?.has(definition.name) ?? true;
  const counter = countEnds(parts);
  try {
    // What was dispatched right before this call may still wait for the end of its response.
    await activity.react();
    for (;;) {
      await activity.until(() => !activity.isBusy("held"));
      const ready = [...engine.kept].filter((task) => {
        return isMeant(task) && !scheduler.pauses.holds(task.definition.name) && !isOfNoTest(task);
      });
      if (ready.length > 0) {
        // Before anything is started, so that a module that cannot be loaded fails the drain and not its tasks.
        await here.load();
        counter.start(ready, most);
        for (const task of ready) engine.release(task);
        continue;
      }
      const wait = clock.untilNext;
      const delayed = ledger.list().filter((task) => task.state === "delayed" && isMeant(task));
      if (!retries || delayed.length === 0 || wait === undefined) {
        for (const name of names ?? []) parts.names.check(name);
        return counter.counts();
      }
      // In the mode "inline" they start by themselves.
      counter.include(delayed);
      await clock.advance(wait, () => activity.react());
    }
  } finally {
    counter.stop();
  }
}

function countEnds({ inside: { events } }: DrainParts): {
  include(tasks: readonly Task[]): void;
  start(tasks: readonly Task[], most: number): void;
  counts(): DrainCounts;
  stop(): void;
} {
  const counted = { succeeded: 0, failed: 0, cancelled: 0, retrying: 0 };
  // Only its own, because another drain may go on at the same time.
  const own = new Set<string>();
  let started = 0;
  const names = Object.keys(counted) as (keyof typeof counted)[];
  const off = names.map((name) => {
    return events.on(name, ({ id }) => {
      if (own.has(id)) counted[name]++;
    });
  });
  const include = (tasks: readonly Task[]): void => {
    for (const { id } of tasks) own.add(id);
  };
  return {
    include,
    start(tasks, most) {
      started += tasks.length;
      include(tasks);
      if (started <= most) return;
      const last = [...new Set(tasks.map(({ definition }) => definition.name))].join(", ");
      throw new AssertionError({
        message: `drain: more than ${most} tasks were to run, ${last} last; a task may offload itself for ever. Give most: n for more`,
        expected: most,
        actual: started,
        operator: "drain",
      });
    },
    counts: () => ({ ...counted }),
    stop() {
      for (const end of off) end();
    },
  };
}

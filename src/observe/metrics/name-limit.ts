// At most 100 task names have series of their own, because a name may come from a client where names are checked late.
import type { HistogramSnapshot } from "../../core/measure/histogram.js";
import type { NameSnapshot, OffloaderSnapshot } from "../snapshot.js";

/** The most names of an offloader; the rest share the name `other`. */
const mostNames = 100;
/** A task of this name is among the rest, because its series would be theirs. */
const other = "other";

export class NameLimit {
  // A name keeps its series once it has them. Otherwise counters would fall.
  readonly #known = new Map<string, Set<string>>();

  /** The snapshot with the names beyond the limit as one. */
  limited(snapshot: OffloaderSnapshot): OffloaderSnapshot {
    const known = this.#known.get(snapshot.name) ?? new Set<string>();
    this.#known.set(snapshot.name, known);
    const named: NameSnapshot[] = [];
    const others = new Map<NameSnapshot["kind"], NameSnapshot>();
    for (const one of snapshot.tasks) {
      if (known.size < mostNames && one.task !== other) known.add(one.task);
      if (known.has(one.task)) named.push(one);
      else others.set(one.kind, together(others.get(one.kind), one));
    }
    return { ...snapshot, tasks: [...named, ...others.values()] };
  }
}

function together(sum: NameSnapshot | undefined, one: NameSnapshot): NameSnapshot {
  if (sum === undefined) return { ...one, task: other };
  const states = { ...sum.states };
  for (const state of Object.keys(states) as (keyof typeof states)[]) states[state] += one.states[state];
  return {
    task: other,
    kind: sum.kind,
    states,
    accepted: sum.accepted + one.accepted,
    retries: sum.retries + one.retries,
    wait: added(sum.wait, one.wait),
    run: added(sum.run, one.run),
  };
}

/** Two histograms as one. */
function added(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  const [long, short] = a.buckets.length >= b.buckets.length ? [a.buckets, b.buckets] : [b.buckets, a.buckets];
  return {
    count: a.count + b.count,
    sumMs: a.sumMs + b.sumMs,
    maxMs: Math.max(a.maxMs, b.maxMs),
    buckets: long.map((value, index) => value + (short[index] ?? 0)),
  };
}

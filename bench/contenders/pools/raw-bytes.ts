// No library. Each payload is serialised at the call by v8.Serializer, its bytes are copied into shared memory that is used again,
// and one message a task tells the thread where they are: the least that a capture as bytes costs. Nothing is checked, so what V8
// cannot carry arrives as something else. Behind a check, each part is looked at once before: is it something that arrives as it is?
import { once } from "node:events";
import { deserialize, serialize } from "node:v8";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import * as tasks from "../../threads/tasks.js";
import type { Done, TaskName, TaskPool } from "./contender.js";

type Message = readonly [name: TaskName, bytes: Uint8Array];

interface Entry {
  readonly region: SharedArrayBuffer;
  readonly done: Done;
}

export function openRawBytes(threads: number): Promise<TaskPool> {
  return open(threads, serialize);
}

export function openRawChecked(threads: number): Promise<TaskPool> {
  return open(threads, (payload) => {
    check(payload, new Set());
    return serialize(payload);
  });
}

async function open(threads: number, toBytes: (payload: unknown) => Uint8Array): Promise<TaskPool> {
  const regions: SharedArrayBuffer[] = [];
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL(import.meta.url));
    const underWay: Entry[] = [];
    worker.on("message", () => {
      const ended = underWay.shift();
      if (ended === undefined) return;
      regions.push(ended.region);
      ended.done();
    });
    return { worker, underWay };
  });
  await Promise.all(workers.map(({ worker }) => once(worker, "online")));
  let next = 0;
  return {
    start(name, payload, done) {
      const stream = toBytes(payload);
      const { byteLength } = stream;
      const region = regionFor(regions, byteLength);
      const bytes = Buffer.from(region, 0, byteLength);
      bytes.fill(stream);
      const { worker, underWay } = workers[next++ % workers.length] ?? {};
      underWay?.push({ region, done });
      worker?.postMessage([name, new Uint8Array(region, 0, byteLength)] satisfies Message);
    },
    close: () => Promise.all(workers.map(({ worker }) => worker.terminate())),
  };
}

/** The least that a check does: the class of each object, each field once, no part twice, no name beside the items of an array. */
function check(value: unknown, seen: Set<object>): void {
  if (typeof value === "function" || typeof value === "symbol") throw new TypeError("cannot arrive");
  if (typeof value !== "object" || value === null) return;
  const { size } = seen;
  if (seen.add(value).size === size) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype && Array.isArray(value)) {
    for (const item of value) check(item, seen);
    if (Object.keys(value).length !== value.length) throw new TypeError("has names");
    return;
  }
  if (prototype !== Object.prototype) throw new TypeError("is an instance");
  for (const name in value) check((value as Record<string, unknown>)[name], seen);
}

/** One that is free and large enough; else a new one. All payloads of a measurement are of one size. */
function regionFor(regions: SharedArrayBuffer[], bytes: number): SharedArrayBuffer {
  for (let region = regions.pop(); region !== undefined; region = regions.pop()) {
    if (region.byteLength >= bytes && region.byteLength < 2 * bytes) return region;
  }
  return new SharedArrayBuffer(bytes);
}

if (!isMainThread) {
  // Only those that take a payload alone are asked for.
  const functions = tasks as Record<string, unknown> as Record<string, (payload: never) => unknown>;
  parentPort?.on("message", ([name, bytes]: Message) => {
    // V8 reads no shared memory.
    parentPort?.postMessage(functions[name]?.(deserialize(new Uint8Array(bytes)) as never));
  });
}

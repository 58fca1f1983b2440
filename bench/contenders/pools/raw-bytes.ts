// No library. Each payload is serialised at the call by v8.Serializer, its bytes are copied into shared memory that is used again,
// and one message a task tells the thread where they are: the least that a capture as bytes costs. Nothing is checked, so what V8
// cannot carry arrives as something else.
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

export async function openRawBytes(threads: number): Promise<TaskPool> {
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
      const stream = serialize(payload);
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

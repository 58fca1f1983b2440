// Payloads that a client may send to hold the main thread up: the CPU of a call beside that of structuredClone() with the same value, in
// the same process. `npx tsx scripts/hostile-payloads.ts`; nothing may cost more than twice as much, from 2 ms on.
import { capture } from "../src/core/payload/capture.js";
import { isBytes } from "../src/core/payload/payload.js";

const rounds = 5;
const mostOver = 2;
const leastMs = 2;

class Point {
  constructor(readonly x: number) {}
}

const many = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

function sparse(step: number, count: number): unknown[] {
  const array: unknown[] = [];
  for (let index = 0; index < count; index++) array[index * step] = index;
  return array;
}

function deep(levels: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

function circles(count: number): unknown[] {
  const array: unknown[] = [];
  for (let index = 0; index < count; index++) array.push({ up: array });
  return array;
}

const payloads: Record<string, unknown> = {
  "a[1e9] = 1": sparse(1e9, 2),
  "100,000 items, 1,000 places apart": sparse(1_000, 1e5),
  "every other of 1,000,000 items": sparse(2, 5e5),
  "an array of 30,000,000 holes": new Array(3e7),
  "900 levels": deep(900),
  "100,000 levels": deep(1e5),
  "a Map of 200,000": new Map(many(2e5, (index) => [index, `value ${index}`])),
  "a Set of 200,000 objects": new Set(many(2e5, (index) => ({ index }))),
  "50 names of 100,000 characters": Object.fromEntries(many(50, (index) => [`${index}${"x".repeat(1e5)}`, index])),
  "a flat object of 20,000 fields": Object.fromEntries(many(2e4, (index) => [`field ${index}`, index])),
  "a flat object of 200,000 fields": Object.fromEntries(many(2e5, (index) => [`field ${index}`, index])),
  "one object 1,000,000 times": new Array(1e6).fill({ a: 1 }),
  "100,000 circles": circles(1e5),
  "1,000,000 empty objects": many(1e6, () => ({})),
  "100,000 dates": many(1e5, (index) => new Date(index)),
  "10,000 small Buffers": many(1e4, (index) => ({ index, bytes: Buffer.from("ab") })),
  "100,000 instances of a class": many(1e5, (index) => new Point(index)),
  "a string of 50,000,000 characters, nested": { text: { is: "é".repeat(5e7) } },
};

let tooDear = 0;
for (const [name, value] of Object.entries(payloads)) {
  const ours: number[] = [];
  const clones: number[] = [];
  for (let round = 0; round < rounds; round++) {
    clones.push(cpuOf(() => structuredClone(value)));
    ours.push(
      cpuOf(() => {
        const captured = capture(value);
        if (isBytes(captured)) captured.release();
      }),
    );
  }
  const ratio = median(ours) / median(clones);
  const isTooDear = ratio > mostOver && median(ours) > leastMs;
  if (isTooDear) tooDear++;
  const figures = `${median(ours).toFixed(2)} ms beside ${median(clones).toFixed(2)} ms, ${ratio.toFixed(2)} x`;
  console.log(`${name.padEnd(44)} ${figures}${isTooDear ? "  TOO DEAR" : ""}`);
}
process.exitCode = tooDear === 0 ? 0 : 1;

/** ms of CPU, whether or not the value is refused. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  try {
    work();
  } catch {
    // Refused.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

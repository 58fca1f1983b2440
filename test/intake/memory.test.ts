// How much memory the process may use, whatever the platform says of it.
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { expect, it } from "vitest";
import { memoryLimit } from "../../src/intake/memory.js";

const gib = 2 ** 30;

it.each<[string, number, Parameters<typeof memoryLimit>[0]]>([
  ["the heap limit where the container has more", 2 * gib, { heap: 2 * gib, machine: 16 * gib, container: 4 * gib }],
  [
    "the container's limit where the heap may grow beyond it",
    gib,
    { heap: 4 * gib, machine: 16 * gib, container: gib },
  ],
  ["the machine's memory where it is less than both", gib, { heap: 4 * gib, machine: gib, container: 8 * gib }],
  ["the heap limit where nothing is said of a container", gib, { heap: gib, machine: 2 * gib, container: undefined }],
  ["the heap limit where the container has no limit", gib, { heap: gib, machine: 2 * gib, container: 0 }],
  ["the heap limit where no limit is a huge number", gib, { heap: gib, machine: 2 * gib, container: 2 ** 64 }],
])("is %s", (_, expected, readings) => {
  expect(memoryLimit(readings)).toBe(expected);
});

it("is a part of what this process has", () => {
  expect(memoryLimit()).toBeGreaterThan(0);
  expect(memoryLimit()).toBeLessThanOrEqual(Math.min(totalmem(), getHeapStatistics().heap_size_limit));
});

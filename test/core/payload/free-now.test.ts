import { serialize } from "node:v8";
import { expect, it } from "vitest";
import { freeNow } from "../../../src/core/payload/stream/free-now.js";

it("frees the memory of a large stream without a garbage collection", () => {
  for (let i = 0; i < 3; i++) {
    const stream = serialize("x".repeat(100_000));
    freeNow(stream);
    expect([stream.byteLength, stream.buffer.byteLength]).toEqual([0, 0]);
  }
});

import { describe, expect, it } from "vitest";
import type { ResponseOutcome, RunIf } from "../../src/core/outcome.js";
import { runIfAllows } from "../../src/response/run-if.js";

const outcome = (kind: ResponseOutcome["kind"], statusCode: number, error?: Error): ResponseOutcome => ({
  kind,
  statusCode,
  headersSent: true,
  error,
  startedAt: 1_000,
  endedAt: 1_001,
  durationMs: 1,
});
const fine = outcome("completed", 200);
const moved = outcome("completed", 302);
const refused = outcome("completed", 404);
const failed = outcome("completed", 500);
const gone = outcome("aborted", 200);

describe("runIf", () => {
  it.each<[RunIf, ResponseOutcome[]]>([
    ["always", [fine, moved, refused, failed, gone]],
    ["sent", [fine, moved, refused, failed]],
    ["ok", [fine, moved]],
    [({ statusCode }) => statusCode === 404, [refused]],
  ])("%s allows what it says", (runIf, allowed) => {
    expect([fine, moved, refused, failed, gone].filter((each) => runIfAllows(runIf, { outcome: each }))).toEqual(
      allowed,
    );
  });

  it("hands the whole outcome to a predicate", () => {
    const error = new Error("reset");
    const seen: ResponseOutcome[] = [];
    runIfAllows((each) => seen.push(each) > 0, { outcome: outcome("aborted", 503, error) });
    expect(seen).toEqual([outcome("aborted", 503, error)]);
  });

  it("throws what a predicate throws, so that the task fails and is not dropped", () => {
    const broken = (): boolean => {
      throw new RangeError("no such column");
    };
    expect(() => runIfAllows(broken, { outcome: fine })).toThrow(RangeError);
  });

  it("refuses a predicate that returns a promise, which would always be true", () => {
    const asynchronous = (async () => {
      throw new Error("unheard");
    }) as unknown as () => boolean;
    expect(() => runIfAllows(asynchronous, { outcome: fine })).toThrow(
      expect.objectContaining({ code: "AR_INVALID_ARGUMENT", message: expect.stringContaining("promise") }),
    );
  });
});

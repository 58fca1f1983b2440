// Ten seconds of chaos; `npm run chaos:pool` is the longer form, with a seed of your choice.
import { describe, expect, it } from "vitest";
import { runChaos } from "./chaos.js";

describe("chaos", () => {
  for (const concurrency of [1, 3]) {
    it(`ends for every accepted task in exactly one final state, the right one (${concurrency} a thread)`, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const report = await runChaos({ seed, durationMs: 4_000, concurrency });
      // The report is shown when it fails, and has the seed.
      expect(report, JSON.stringify(report, undefined, 2)).toMatchObject({ violations: [] });
      expect(report.accepted).toBeGreaterThan(200);
      expect(Object.keys(report.ends).length).toBeGreaterThan(10);
    }, 120_000);
  }
});

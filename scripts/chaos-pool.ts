// npm run chaos:pool: a minute of tasks that succeed, throw, hang, exit, exhaust memory, are cancelled and time out, on
// the built package; then the account. `-- 10 1234` runs for 10 s with the seed 1234.
import { runChaos } from "../test/engine/threads/chaos.js";

const [seconds = 60, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);

let failed = false;
// Half of the time with one task a thread, where a death names the guilty task; half with several, where it names suspects.
for (const concurrency of [1, 3]) {
  console.log(`\nSeed ${seed}, ${concurrency} at a time a thread, ${seconds / 2} s`);
  const report = await runChaos({ seed, durationMs: seconds * 500, concurrency });
  const { accepted, refused, ends, threadsEnded, resultsLost, longestTurnMs, durationMs, violations } = report;
  console.table(ends);
  console.log(`${accepted} accepted, ${refused} refused by the full queue, in ${Math.round(durationMs)} ms`);
  console.log(`threads ended: ${JSON.stringify(threadsEnded)}`);
  console.log(`${resultsLost} results lost with their thread; the main thread's longest turn: ${longestTurnMs} ms`);
  for (const violation of violations.slice(0, 20)) console.log(`VIOLATION: ${violation}`);
  if (violations.length > 0) failed = true;
  console.log(
    violations.length === 0
      ? "Every accepted task has reached exactly one final state, the one it had to reach."
      : `${violations.length} violations; the seed was ${seed}.`,
  );
}
process.exitCode = failed ? 1 : 0;

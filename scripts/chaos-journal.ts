// npm run chaos:journal: servers under load are killed a hundred times, most by signal 9 and some by a task that runs out of
// memory, first one at a time and then while two siblings live. Then every accepted task must be done. `-- 20 1234` kills 20
// times each with the seed 1234.
import { runJournalChaos } from "../test/scenarios/journal-chaos.js";

const [kills = 100, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);
const threads = 2;
const exhaustEvery = 10;

for (const siblings of [0, 2]) {
  console.log(`Seed ${seed}, ${kills} kills, ${threads} threads, ${siblings} living siblings`);
  const onKill = (number: number) => {
    if (number % 10 === 0) console.log(`${number} killed`);
  };
  const report = await runJournalChaos({ kills, seed, threads, siblings, exhaustEvery, onKill });
  const { violations, ...counts } = report;
  console.table(counts);
  for (const violation of violations) console.log(`VIOLATION: ${violation}`);
  console.log(
    violations.length === 0
      ? `0 of ${counts.accepted} accepted tasks lost; ${counts.repeats} repeats in ${counts.kills} kills of ${threads} threads.`
      : `${violations.length} violations; the seed was ${seed}.`,
  );
  if (violations.length > 0) process.exitCode = 1;
}

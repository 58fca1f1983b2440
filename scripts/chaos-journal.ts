// npm run chaos:journal: a server under load is killed by signal 9 a hundred times, and then every accepted task must be
// done. `-- 20 1234` kills it 20 times with the seed 1234.
import { runJournalChaos } from "../test/scenarios/journal-chaos.js";

const [kills = 100, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);
const threads = 2;

console.log(`Seed ${seed}, ${kills} kills, ${threads} threads`);
const onKill = (number: number) => {
  if (number % 10 === 0) console.log(`${number} killed`);
};
const { violations, ...counts } = await runJournalChaos({ kills, seed, threads, onKill });
console.table(counts);
for (const violation of violations) console.log(`VIOLATION: ${violation}`);
console.log(
  violations.length === 0
    ? `0 of ${counts.accepted} accepted tasks lost; ${counts.repeats} repeats in ${kills} kills of ${threads} threads.`
    : `${violations.length} violations; the seed was ${seed}.`,
);
process.exitCode = violations.length > 0 ? 1 : 0;

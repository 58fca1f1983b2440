// Accepts tasks and ends most of them, as fast as it can, until it is killed; after some thousands it asks for that. It
// writes `a <id>` to a file after the call that accepted a task has returned, and `e <id>` before the end is recorded.
import { openSync, writeSync } from "node:fs";
import { consoleLogger } from "../../../src/base/logger.js";
import { openJournal } from "../../../src/journal/journal.js";
import type { JournalEntry } from "../../../src/journal/log/segment.js";

const [dir = "", trace = "", seed = "1"] = process.argv.slice(2);
const journal = openJournal({ dir, maxStarts: 1_000_000 }, { logger: consoleLogger });
const out = openSync(trace, "a");
const note = (text: string): void => void writeSync(out, `${text}\n`);

await journal.takeOver();
const open: JournalEntry[] = [];
for (const task of journal.replay()) {
  note(`r ${task.id}`);
  open.push(task.entry);
}
console.log("ready");

let random = Number(seed);
const chance = (): number => {
  random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
  return random / 2 ** 31;
};

const enough = 1 + ((Number(seed) * 7_919) % 3_000);
for (let index = 0; ; index++) {
  if (index === enough) writeSync(1, "kill me\n");
  const size = chance() < 0.02 ? 200_000 : 20 + Math.floor(chance() * 400);
  const id = `${process.pid}-${seed}-${index}`;
  open.push(journal.accept({ id, task: "work", payload: "p".repeat(size), dispatch: undefined, context: undefined }));
  note(`a ${id}`);
  for (const entry of open.slice(-2)) if (chance() < 0.5 && !entry.running) journal.started(entry, 1);
  while (open.length > 200 || (open.length > 0 && chance() < 0.45)) {
    const [entry] = open.splice(Math.floor(chance() * open.length), 1);
    if (entry === undefined) break;
    note(`e ${entry.id}`);
    journal.ended(entry, "succeeded");
  }
  if (chance() < 0.3) await Promise.resolve();
  // Lets the socket answer, as in any process that serves.
  if (index % 500 === 0) await new Promise(setImmediate);
}

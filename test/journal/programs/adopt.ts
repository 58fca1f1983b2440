// Adopts what is to be adopted, now and when it is told to, says which tasks it got, and stays alive until it is told to end.

import { consoleLogger } from "../../../src/base/logger.js";
import { openJournal } from "../../../src/journal/journal.js";

const journal = openJournal({ dir: process.argv[2] ?? "" }, { logger: consoleLogger, onAdoptable: adoptMore });
const own = process.argv[3];
if (own !== undefined) {
  for (let index = 0; index < 50; index++) {
    journal.accepted({
      id: `${own}-${index}`,
      task: "work",
      payload: { index },
      dispatch: undefined,
      context: undefined,
    });
  }
}
process.on("SIGTERM", () => void journal.close().then(() => process.exit(0)));
setInterval(() => {}, 60_000);
if (own === undefined) await journal.adopt();
const ids = [...journal.replay()].map(({ id }) => id);
console.log(`tasks ${JSON.stringify(ids)} end`);

async function adoptMore(): Promise<void> {
  await journal.adopt();
  for (const { id, payload } of journal.replay()) console.log(`adopted ${id} ${JSON.stringify(payload)}`);
}

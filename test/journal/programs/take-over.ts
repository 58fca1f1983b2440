// Takes over what dead processes have left, now and when it is asked to, prints which tasks it got, and stays alive until a SIGTERM.

import { consoleLogger } from "../../../src/base/logger.js";
import { openJournal } from "../../../src/journal/journal.js";

const journal = openJournal({ dir: process.argv[2] ?? "" }, { logger: consoleLogger, onAskedToTakeOver: takeOverMore });
const own = process.argv[3];
if (own !== undefined) {
  for (let index = 0; index < 50; index++) {
    journal.accept({
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
if (own === undefined) await journal.takeOver();
const ids = [...journal.replay()].map(({ id }) => id);
console.log(`tasks ${JSON.stringify(ids)} end`);

async function takeOverMore(): Promise<void> {
  await journal.takeOver();
  for (const { id, payload } of journal.replay()) console.log(`taken over ${id} ${JSON.stringify(payload)}`);
}

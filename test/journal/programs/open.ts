// Opens a journal and prints whether that succeeded.

import { silentLogger } from "../../../src/base/logger.js";
import { openJournal } from "../../../src/journal/journal.js";

try {
  const journal = openJournal({ dir: process.argv[2] ?? "" }, { logger: silentLogger });
  journal.accept({ id: "a-1", task: "work", payload: 1, dispatch: undefined, context: undefined });
  console.log("opened");
} catch (error) {
  console.log(error instanceof Error && "code" in error ? `${error.code} ${error.message}` : error);
}

// The work of an order: some waiting, as for a mail server or a database, then a line in a file, by which lost tasks are found.
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface Order {
  readonly id: string;
  readonly ledger: string;
  readonly ms: number;
}

export async function fulfil({ id, ledger, ms }: Order): Promise<void> {
  await sleep(ms);
  await appendFile(ledger, `${id}\n`);
}

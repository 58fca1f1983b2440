// The work of an order: some CPU time, then a line in a file, by which lost tasks are found.
import { appendFileSync } from "node:fs";

export function fulfil({ id, ledger, ms }: { id: string; ledger: string; ms: number }): void {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.sqrt(until);
  appendFileSync(ledger, `${id}\n`);
}

// npm run demo:cluster: a broker, two web processes and two workers under load. Each of them is killed, and what was accepted, has
// run, is lost and ran twice is printed. It takes about half a minute, and never more than one. `-- 1` kills one of each kind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hasRedis } from "../test/support/redis.js";
import { runCluster } from "./cluster/run.js";
import { linesOf } from "./cluster/whereabouts.js";

const mostMs = 50_000;
const [kills = 2] = process.argv.slice(2).map(Number);

if (!hasRedis()) process.exit();

const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-cluster-"));
const startedAt = performance.now();
say("a broker, two web processes and two workers; each web process dispatches a task every 5 ms");
const report = await runCluster({
  folder,
  kills,
  pauseMs: 1_000,
  patienceMs: 20_000,
  mostMs,
  onKill: (what) => say(`kill -9 of ${what}; it is back`),
});
const { accepted, run, lost, twice, isGivenUp } = report;
for (const line of linesOf(report)) say(line);
if (isGivenUp) say(`GIVEN UP: the cluster has not come to an end within ${mostMs} ms`);
if (lost > 0) say(`the files are kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
say(`accepted ${accepted}, run ${run}, lost ${lost}, twice ${twice}`);
// Whoever was given up may still be waited for.
process.exit(lost > 0 || isGivenUp ? 1 : 0);

function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${line}`);
}

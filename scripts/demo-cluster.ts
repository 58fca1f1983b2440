// npm run demo:cluster: a broker, two web processes and two workers under load. Each of them is killed, and what was accepted, has
// run, is lost and ran twice is printed. It takes about half a minute, and never more than one. `-- 1` kills one of each kind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hasRedis } from "../test/support/redis.js";
import { runCluster } from "./cluster/run.js";

const mostMs = 60_000;
const [kills = 2] = process.argv.slice(2).map(Number);

if (!hasRedis()) process.exit();
const giveUp = setTimeout(() => {
  console.error(`GIVEN UP: the cluster has not come to an end within ${mostMs} ms`);
  process.exit(1);
}, mostMs);

const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-cluster-"));
const startedAt = performance.now();
say("a broker, two web processes and two workers; each web process dispatches a task every 5 ms");
const report = await runCluster({
  folder,
  kills,
  pauseMs: 1_000,
  patienceMs: 20_000,
  onKill: (what) => say(`kill -9 of ${what}; it is back`),
});
clearTimeout(giveUp);
rmSync(folder, { recursive: true, force: true });
const { accepted, run, lost, twice } = report;
say(`accepted ${accepted}, run ${run}, lost ${lost}, twice ${twice}`);
if (lost > 0) process.exitCode = 1;

function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${line}`);
}

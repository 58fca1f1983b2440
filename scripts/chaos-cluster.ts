// npm run chaos:cluster: kills web processes, workers and the broker of a cluster under load, 30 times each; `-- 5` kills each 5 times.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCluster } from "./cluster/run.js";
import { linesOf } from "./cluster/whereabouts.js";

const [kills = 30] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-cluster-"));
const report = await runCluster({ folder, kills, pauseMs: 1_000, onKill: (what) => console.log(`killed ${what}`) });
const { accepted, run, lost, twice } = report;
console.table({ accepted, run, lost, twice, kills: report.kills });
for (const line of linesOf(report)) console.log(line);
if (lost > 0) console.log(`the files are kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
if (lost > 0 || twice > accepted / 100) process.exitCode = 1;

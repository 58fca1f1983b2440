// npm run chaos:cluster: kills web processes, workers and the broker of a cluster under load, 30 times each; `-- 5` kills each 5 times.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCluster } from "./cluster/run.js";

const [kills = 30] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-cluster-"));
const report = await runCluster({ folder, kills, pauseMs: 1_000, onKill: (what) => console.log(`killed ${what}`) });
console.table(report);
rmSync(folder, { recursive: true, force: true });
if (report.lost > 0 || report.twice > report.accepted / 100) process.exitCode = 1;

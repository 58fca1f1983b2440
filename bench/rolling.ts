// npm run demo:rolling: restarts two servers in turn behind a load balancer, under load, and prints how many requests failed
// and how many tasks were lost. `npm run demo:rolling -- 20 2000 500`: restarts, drainDelay, the balancer's lag in ms.
import { rollingRestarts } from "./rolling/restarts.js";

const [restarts = 6, drainDelay = 2_000, lag = 500] = process.argv.slice(2).map(Number);

console.log(
  `Two servers behind a balancer that notices ${lag} ms late; they serve for ${drainDelay} ms after their signal.\n` +
    `Under load, one of them is restarted ${restarts} times, in turn.\n`,
);
const result = await rollingRestarts({
  restarts,
  drainDelay,
  lag,
  clients: 10,
  onRestart: ({ number, durationMs, code }) => {
    console.log(`restart ${String(number).padStart(2)}: exit code ${code} after ${(durationMs / 1_000).toFixed(1)} s`);
  },
});

const kinds = Object.entries(result.failures).map(([kind, count]) => `${kind}: ${count}`);
console.log(`
requests         ${result.requests}
failed           ${result.failed}${kinds.length > 0 ? ` (${kinds.join(", ")})` : ""}
tasks accepted   ${result.accepted}
tasks lost       ${result.lost}`);

// npm run demo:rolling: restarts two servers in turn behind a load balancer, under load, and prints how many requests failed
// and how many tasks were lost. `npm run demo:rolling -- 20 2000 500`: restarts, drainDelay, the balancer's lag in ms.
// `npm run demo:rolling -- peers` does the same with other ways of shutting down, and prints a table.
import { rollingRestarts } from "./rolling/restarts.js";

const ways = [
  { method: "offload-after-response", title: "offload-after-response" },
  { method: "terminus", title: "@godaddy/terminus + piscina" },
  { method: "close-with-grace", title: "close-with-grace + piscina" },
  { method: "http-terminator", title: "http-terminator + piscina" },
  { method: "stoppable", title: "stoppable + piscina" },
  { method: "http-graceful-shutdown", title: "http-graceful-shutdown + piscina" },
  { method: "lightship", title: "lightship + piscina" },
  { method: "node", title: "server.close() + piscina" },
];

const peers = process.argv[2] === "peers";
const [restarts = 6, drainDelay = 2_000, lag = 500] = process.argv.slice(peers ? 3 : 2).map(Number);
const situation = { restarts, drainDelay, lag, clients: 10 };

console.log(
  `Two servers behind a balancer that notices ${lag} ms late; they serve for ${drainDelay} ms after their signal, if they\n` +
    `can. Under load, one of them is restarted ${restarts} times, in turn.\n`,
);
if (peers) await compare();
else await demonstrate();

async function demonstrate(): Promise<void> {
  const result = await rollingRestarts({
    ...situation,
    method: "offload-after-response",
    onRestart: ({ number, durationMs, by }) => {
      console.log(`restart ${String(number).padStart(2)}: exit ${by} after ${(durationMs / 1_000).toFixed(1)} s`);
    },
  });
  console.log(`
requests         ${result.requests}
failed           ${result.failed}${reasons(result.failures)}
tasks accepted   ${result.accepted}
tasks lost       ${result.lost}`);
}

async function compare(): Promise<void> {
  console.log(
    "| | requests | failed | tasks accepted | lost | slowest exit |\n| --- | ---: | ---: | ---: | ---: | ---: |",
  );
  for (const { method, title } of ways) {
    const { requests, failed, failures, accepted, lost, exits, slowestExitMs } = await rollingRestarts({
      ...situation,
      method,
    });
    const exit = `${(slowestExitMs / 1_000).toFixed(1)} s${exits.includes("SIGKILL") ? ", killed" : ""}`;
    console.log(`| ${title} | ${requests} | ${failed}${reasons(failures)} | ${accepted} | ${lost} | ${exit} |`);
  }
}

function reasons(failures: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(failures).map(([kind, count]) => `${kind}: ${count}`);
  return kinds.length > 0 ? ` (${kinds.join(", ")})` : "";
}

// What the testing kit costs a user's test run: to put an offloader under test, a fake dispatch with its assertion, and tasks
// that run inline. On the built package. Exits with 1 if a bar is missed.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createOffloader } from "offload-after-response";
import { testing } from "offload-after-response/testing";

const rounds = 9;
const dispatches = 2_000;
const payload = { key: "photos/2024/05/17.jpg", widths: [320, 640] };
const tasksModule = { optimizeImage: ({ key }) => key };

const offloader = createOffloader({ tasks: new URL("./threads/tasks.ts", import.meta.url), logger: false });

// The first of a process is measured apart, because it includes what the engine has to compile. A process has only one.
const first = timed(() => testing(offloader).restore());
if (process.argv[2] === "first") {
  console.log(first);
  process.exit();
}
const samples = { first: [first], start: [], fake: [], inline: [] };
for (let round = 0; round < rounds; round++) {
  samples.first.push(Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "first"])));
  samples.start.push(timed(() => testing(offloader).restore()));
  samples.fake.push(await fake());
  samples.inline.push(await inline());
}
const results = [
  ["the first testing() of a process, in ms", median(samples.first), 5],
  ["testing(), in ms", median(samples.start), 5],
  ["a fake dispatch with its assertion, in us", median(samples.fake), 50],
  ["1,000 inline tasks, in ms", median(samples.inline), 100],
];
for (const [text, measured, bar] of results) {
  console.log(`${measured <= bar ? "met    " : "NOT met"} ${text}: ${measured.toFixed(2)} (bar: ${bar})`);
}
await offloader.close();
process.exitCode = results.every(([, measured, bar]) => measured <= bar) ? 0 : 1;

/** us for each. A test clears after some dispatches; an assertion looks at all that were recorded since. */
async function fake() {
  const tasks = testing(offloader, { tasks: tasksModule });
  let total = 0;
  for (let i = 0; i < dispatches; i++) {
    total += timed(() => {
      offloader.offload("optimizeImage", payload);
      tasks.assertOffloaded("optimizeImage", { key: payload.key });
    });
    if (i % 10 === 9) await tasks.clear();
  }
  tasks.restore();
  return (total * 1_000) / dispatches;
}

/** ms from the first dispatch to the end of the last task. */
async function inline() {
  const tasks = testing(offloader, { mode: "inline", tasks: tasksModule });
  await offloader.run("optimizeImage", payload);
  const from = performance.now();
  for (let i = 0; i < 1_000; i++) offloader.offload("optimizeImage", payload);
  await tasks.settled({ timeout: 60_000 });
  const ms = performance.now() - from;
  tasks.restore();
  return ms;
}

function timed(run) {
  const from = performance.now();
  run();
  return performance.now() - from;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

// Prints the niceness of each thread of a process: those that ran a task, and all others. In CommonJS, since loading ES modules may
// start libuv's threads before anything of ours runs.
//
//   node niceness.cjs [{ "priority"?, "from"? }]    from: the niceness of the main thread, 0 to 19
const { readdirSync, readFileSync } = require("node:fs");
const { setPriority } = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { createOffloader } = require("offload-after-response");

const { priority, from } = JSON.parse(process.argv[2] ?? "{}");
if (from !== undefined) setPriority(from);

const offloader = createOffloader({
  tasks: pathToFileURL(path.join(__dirname, "../../../fixtures/niceness.cjs")),
  pool: { minThreads: 2, maxThreads: 2, priority },
});

async function main() {
  await offloader.ready();
  // Each holds its thread until the other has begun.
  const met = new Int32Array(new SharedArrayBuffer(4));
  const own = await Promise.all([offloader.run("meet", met), offloader.run("meet", met)]);
  const others = readdirSync("/proc/self/task").filter((thread) => !own.includes(thread));
  console.log(
    JSON.stringify({ own: own.map(nicenessOf), others: others.map(nicenessOf), main: nicenessOf(process.pid) }),
  );
  await offloader.close();
}

function nicenessOf(thread) {
  const stat = readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
  // The 19th field; the second, a name in parentheses, may hold spaces.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}

main();

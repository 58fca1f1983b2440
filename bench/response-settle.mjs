// What it costs to know that a response is over, compared with a bare `res.on("finish", listener)`: main-thread CPU time
// of the whole life of a response whose output goes nowhere.
//
//   node bench/response-settle.mjs
//
// The part that is measured is no public name, so it is bundled from its source here.
import { channel } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { build } from "esbuild";
import { mainThreadUs } from "./cpu-time.mjs";
import { MemoryConnection } from "./memory-connection.mjs";

const target = 2; // us over a bare listener, one task a response
const rounds = 100;
const warmUpRounds = 20;
const responsesPerRound = 2000;

const { whenOver, trackCurrentResponse } = await bundle("over.ts", "current.ts");
trackCurrentResponse();
const requestStart = channel("http.server.request.start");

let ended = 0;
const listener = () => {
  ended++;
};
const contenders = {
  'res.on("finish")': { register: (res) => res.on("finish", listener), announced: false },
  "whenOver(res)": { register: (res) => whenOver(res, listener), announced: false },
  "tracked, no task": { register: (res) => res.on("finish", listener), announced: true },
  "tracked, whenOver(res)": { register: (res) => whenOver(res, listener), announced: true },
};

const samples = new Map(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round < rounds + warmUpRounds; round++) {
  // Interleaved, and every other round the other way around, so that what slows the machine slows all alike.
  const order = Object.entries(contenders);
  if (round % 2 === 1) order.reverse();
  for (const [name, contender] of order) {
    const cost = await measure(contender);
    if (round >= warmUpRounds) samples.get(name).push(cost);
  }
}

const medians = new Map([...samples].map(([name, costs]) => [name, median(costs)]));
const [bare] = medians.values();
console.log(`Node ${process.version}, ${rounds} rounds of ${responsesPerRound} responses, medians of CPU time`);
for (const [name, cost] of medians) {
  const over = cost - bare;
  console.log(
    `${name.padEnd(24)} ${cost.toFixed(2)} us  ${over >= 0 ? "+" : ""}${over.toFixed(2)} us  x ${(cost / bare).toFixed(2)}`,
  );
}
const worst = Math.max(...medians.values()) - bare;
console.log(`at most ${worst.toFixed(2)} us over a bare listener (target: ${target} us)`);
process.exitCode = worst <= target ? 0 : 1;

async function measure({ register, announced }) {
  const socket = new MemoryConnection();
  const endedBefore = ended;
  const before = mainThreadUs();
  await new Promise((resolve) => {
    let begun = 0;
    const next = () => {
      if (begun++ === responsesPerRound) setImmediate(resolve);
      else live(socket, register, announced, next);
    };
    next();
  });
  const us = mainThreadUs() - before;
  if (ended - endedBefore !== responsesPerRound) throw new Error("a response was lost");
  return us / responsesPerRound;
}

/** The life of a response on a keep-alive connection, with what Node's server does at its end. */
function live(socket, register, announced, next) {
  const request = new IncomingMessage(socket);
  const response = new ServerResponse(request);
  if (announced) requestStart.publish({ request, response });
  response.assignSocket(socket);
  response.on("finish", () => {
    response.detachSocket(socket);
    process.nextTick(() => {
      response.destroyed = true;
      response.emit("close");
      process.nextTick(next);
    });
  });
  register(response);
  response.end("x");
}

async function bundle(...files) {
  const folder = path.join(import.meta.dirname, "../src/response");
  const { outputFiles } = await build({
    stdin: { contents: files.map((file) => `export * from "./${file}";`).join("\n"), resolveDir: folder },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

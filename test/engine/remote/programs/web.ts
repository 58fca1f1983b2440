// A web process: dispatches so many tasks to the engine of its arguments, writes their ids, and lives on until it is killed or told to end.
import { createOffloader } from "offload-after-response";
import { choiceOf } from "../choice.js";

const [port, queue = "", dir = "", count] = process.argv.slice(2);
const offloader = createOffloader({
  tasks: new URL("../../../fixtures/engine.mjs", import.meta.url),
  engine: choiceOf(Number(port), queue),
  role: "dispatch",
  journal: { dir },
});
await offloader.ready();
const ids = Array.from({ length: Number(count) }, (_, index) => offloader.offload("echo", { index }).id);
console.log(`ready ${JSON.stringify(ids)}`);
offloader.on("forwarded", () => {
  if (offloader.stats().unfinished === 0) console.log("all forwarded");
});
offloader.shutdownOnSignals([], { timeout: 2_000 });
setInterval(() => {}, 1_000);

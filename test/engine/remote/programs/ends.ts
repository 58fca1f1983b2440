// Dispatches to the engine of its arguments and does nothing more: it ends by itself, once the queue has everything.
import { createOffloader } from "offload-after-response";
import { choiceOf } from "../choice.js";

const [port, queue = "", dir = ""] = process.argv.slice(2);
const offloader = createOffloader({
  tasks: new URL("../../../fixtures/engine.mjs", import.meta.url),
  engine: choiceOf(Number(port), queue),
  role: "dispatch",
  journal: { dir },
});
for (let index = 0; index < 10; index++) offloader.offload("echo", index);
console.log("dispatched");

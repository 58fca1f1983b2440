// Pauses its offloader before, with, or after work, as the argument says. "alive" is written by a timer that keeps nothing
// alive: it fires only when something else does.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("../../fixtures/tasks.mjs", import.meta.url) });
await offloader.ready();
offloader.pause();
const [mode] = process.argv.slice(2);
const handle = mode === "idle" ? undefined : offloader.offload("echo", "done");
console.log("paused");
if (mode === "cancelled") handle?.cancel();
setTimeout(() => console.log("alive"), 200).unref();
process.on("SIGUSR2", () => {
  offloader.resume();
  void handle?.result().then((value) => console.log(`result ${value}`));
});

// What a framework evaluates several times: it makes the offloader, and has it shut the process down.
import { createOffloader } from "offload-after-response";

const tasks = new URL("../../../scenarios/fixtures/shutdown-tasks.js", import.meta.url);
export const offloader = createOffloader({ name: "app", tasks, pool: { maxThreads: 1 } });
offloader.shutdownOnSignals([]);

// The offloader of these examples. None of them calls shutdownOnSignals(): something else has the signals, and `close()` is
// the part of its shutdown that the tasks need.
import { createOffloader, type Offloader } from "offload-after-response";
import type * as tasks from "./tasks.js";

export const offloader: Offloader<typeof tasks> = createOffloader<typeof tasks>({
  tasks: new URL("./tasks.js", import.meta.url),
});

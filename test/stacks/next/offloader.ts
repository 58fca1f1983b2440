import path from "node:path";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.mjs";

export const offloader = createOffloader<typeof tasks>({ name: "app", tasks: path.resolve("workers/tasks.mjs") });

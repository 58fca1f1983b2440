import path from "node:path";
import { createOffloader } from "offload-after-response";

export const offloader = createOffloader({ name: "app", tasks: path.resolve("workers/tasks.mjs") });

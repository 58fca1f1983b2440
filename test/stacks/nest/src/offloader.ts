import path from "node:path";
import type { FactoryProvider } from "@nestjs/common";
import { createOffloader, type Offloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

export type AppOffloader = Offloader<typeof tasks>;

export const OFFLOADER = Symbol("offloader");

export const offloaderProvider: FactoryProvider<AppOffloader> = {
  provide: OFFLOADER,
  useFactory: () => createOffloader({ name: "app", tasks: path.join(import.meta.dirname, "workers/tasks.js") }),
};

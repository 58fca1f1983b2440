import path from "node:path";
import type { FactoryProvider } from "@nestjs/common";
import { createOffloader, type Offloader as Library } from "offload-after-response";
import type * as tasks from "./workers/tasks";

/** The class is the token, so that a constructor says `private readonly offloader: Offloader`. */
export abstract class Offloader {}
export interface Offloader extends Library<typeof tasks> {}

export const offloaderProvider: FactoryProvider<Offloader> = {
  provide: Offloader,
  useFactory: () => createOffloader<typeof tasks>({ name: "app", tasks: path.join(__dirname, "workers/tasks.js") }),
};

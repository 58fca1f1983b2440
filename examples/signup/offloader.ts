// The offloader of this server, and its calls by their own names.
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/onboarding.js";

export const offloader = createOffloader<typeof tasks>({
  tasks: new URL("./workers/onboarding.js", import.meta.url),
});

export const { afterEachResponse, offloadAfterResponse, runAfterResponse } = offloader;

import { definePlugin } from "nitro";
import { offloader } from "../utils/offloader.mjs";

export default definePlugin((app) => {
  // In development the code runs in a thread, which gets no signals.
  if (import.meta.dev) app.hooks.hook("close", () => offloader.close());
  else offloader.shutdownOnSignals();
});

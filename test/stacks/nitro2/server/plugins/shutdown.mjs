import { defineNitroPlugin } from "nitropack/runtime";
import { offloader } from "../utils/offloader.mjs";

export default defineNitroPlugin((app) => {
  // In development the code runs in a thread, which gets no signals.
  if (import.meta.dev) app.hooks.hook("close", () => offloader.close());
  else offloader.shutdownOnSignals();
});

export default defineNitroPlugin((app) => {
  // In development the code runs in a thread, which gets no signals.
  if (import.meta.dev) app.hooks.hook("close", () => void offloader.close());
  else offloader.shutdownOnSignals();
});

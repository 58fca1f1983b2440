export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { offloader } = await import("./offloader");
  offloader.shutdownOnSignals();
}

// Imports the file that makes the offloader, and tries to use it.
import { greeting, offloader } from "./offloader.js";

export async function tries(): Promise<object> {
  await offloader.ready();
  const errors: (Error & { code?: string })[] = [];
  const calls = [
    () => offloader.offload("tries"),
    () => offloader.offloadAfterResponse("tries"),
    () => offloader.runAfterResponse(() => greeting("nobody")),
  ];
  for (const call of calls) {
    try {
      call();
    } catch (error) {
      errors.push(error as Error);
    }
  }
  await offloader.run("tries").catch((error: Error) => errors.push(error));
  // What the file that makes the offloader may call as it is loaded does no harm.
  offloader.pause();
  offloader.pause("tries");
  offloader.resume("tries");
  offloader.resume();
  offloader.renewThreads();
  offloader.cancel("tries");
  await offloader
    .shutdownOnSignals()
    .close()
    .catch((error: Error) => errors.push(error));
  return {
    codes: errors.map(({ code }) => code),
    message: errors[0]?.message,
    nested: offloader.stats().threads.total,
  };
}

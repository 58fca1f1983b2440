// One submission, which ends in time whatever the client does.
import { deferred } from "../../../base/deferred.js";
import { clearTimer, setTimer } from "../../../base/time.js";
import type { EngineTask, Receipt, RemoteEngine } from "../remote-engine.js";

/**
 * The receipts, or why there are none: then nothing is known of the batch. A client that does not keep to its signal is not waited for.
 *
 * @param patience how long the broker may take, in ms
 * @param closing aborts when nobody waits any more
 */
export async function submit(
  client: Pick<RemoteEngine, "submit">,
  batch: readonly EngineTask[],
  patience: number,
  closing: AbortSignal,
): Promise<readonly Receipt[] | Error> {
  const late = new AbortController();
  const given = deferred<Error>();
  const giveUp = (): void => {
    late.abort();
    given.resolve(new Error(`the broker did not answer within ${patience} ms`));
  };
  const timer = setTimer(giveUp, patience);
  closing.addEventListener("abort", giveUp, { once: true });
  try {
    const submission = client.submit(batch, late.signal);
    submission.catch(() => {});
    return await Promise.race([submission, given.promise]);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimer(timer);
    closing.removeEventListener("abort", giveUp);
  }
}

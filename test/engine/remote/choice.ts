// The fake broker as the value of the option `engine`.
import type { EngineChoice } from "offload-after-response";

const maxBytes = 256 * 1024;

export function choiceOf(port: number, queue: string): EngineChoice {
  return {
    name: "fake",
    module: new URL("../../support/fake-broker/client.mjs", import.meta.url).href,
    options: { port, queue },
    limits: { maxBytes, replace: false, transactional: false },
  };
}

// One offloader that takes part in the shutdown of the process, with its servers and options. Two copies of the library
// hand these to each other, so a change of its shape needs a new key in registry.ts.

import type { ServerDrain } from "../http/server-drain.js";
import type { ResolvedShutdownOptions } from "../shutdown-options.js";
import type { Deadline } from "../steps/deadline.js";
import type { CloseReport } from "../steps/report.js";
import type { DrainTarget } from "../steps/target.js";

export interface Participant {
  readonly target: DrainTarget;
  readonly servers: readonly ServerDrain[];
  readonly options: ResolvedShutdownOptions;
  /** Ends the target by the deadline, by the code of the copy that it belongs to. */
  close(deadline: Deadline): Promise<CloseReport>;
}

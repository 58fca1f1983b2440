// One offloader that takes part in the shutdown of the process, with its servers and options. Two copies of the library
// in one process share these objects, so a change of the shape needs a new key in process/registry.ts.
import type { ServerDrain } from "../http/server-drain.js";
import type { ResolvedShutdownOptions } from "../shutdown-options.js";
import type { Deadline } from "./deadline.js";
import type { CloseReport } from "./report.js";
import type { DrainTarget } from "./target.js";

export interface Participant {
  readonly target: DrainTarget;
  readonly servers: readonly ServerDrain[];
  readonly options: ResolvedShutdownOptions;
  /** Closes the target by the deadline, with the code of the copy that the target belongs to. */
  close(deadline: Deadline): Promise<CloseReport>;
}

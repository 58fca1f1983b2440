// One offloader that takes part in the shutdown of the process, with its servers and options. Two copies of the library
// in one process share these objects, so a change of the shape needs a new key in process/registry.ts.
import type { ServerDrain } from "../http/server-drain.js";
import type { ResolvedShutdownOptions } from "../shutdown-options.js";
import type { Deadline } from "./deadline.js";
import type { CloseReport } from "./report.js";
import type { DrainTarget } from "./target.js";

export interface Participant {
  readonly target: DrainTarget;
  /** Those given, and those found meanwhile. */
  readonly servers: ServerDrain[];
  /** No server was given: those that listen are found. */
  readonly findsServers: boolean;
  readonly options: ResolvedShutdownOptions;
  /** How long to go on serving after a signal, in ms, with the servers known by then. */
  drainDelay(): number;
  /** Closes the target by the deadline, with the code of the copy that the target belongs to. */
  close(deadline: Deadline): Promise<CloseReport>;
}

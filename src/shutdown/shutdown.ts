// What `offloader.shutdownOnSignals()` is: the servers and options of one offloader, in the shutdown of the process.

import { livenessProbe, type Probe, readinessProbe } from "./http/probes.js";
import { ServerDrain } from "./http/server-drain.js";
import { findServers, type ServersArgument } from "./http/servers.js";
import type { Participant } from "./process/participant.js";
import { detectPlatform } from "./process/platform.js";
import { processShutdown } from "./process/registry.js";
import { resolveShutdownOptions, type ShutdownOptions } from "./shutdown-options.js";
import { closeBy } from "./steps/close.js";
import { planWarnings } from "./steps/plan.js";
import type { ShutdownReport } from "./steps/report.js";

export type { ShutdownOptions } from "./shutdown-options.js";

import type { ShutdownState } from "./steps/states.js";
import type { DrainTarget } from "./steps/target.js";

/** The shutdown of the process, as one offloader sees it. */
export interface Shutdown {
  /**
   * Begins the shutdown as a signal would; if it has begun, joins it.
   *
   * @param reason for the log and the report
   * @returns the report, before the process exits
   */
  close(reason?: string): Promise<ShutdownReport>;
  readonly state: ShutdownState;
  /** A `(req, res)` handler: 200 until the shutdown begins, then 503. */
  readonly readiness: Probe;
  /** A `(req, res)` handler: 200, during the shutdown too. */
  readonly liveness: Probe;
  /** Takes every listener away, on the process and on the servers. Once the shutdown has begun, it does so itself at its end. */
  uninstall(): void;
  /** Resolves with the report when the shutdown is over, before the process exits. */
  readonly done: Promise<ShutdownReport>;
}

/**
 * Shuts the process down in order when it is told to: stops accepting connections, finishes open requests, lets every
 * accepted task end, ends the threads, runs the hooks, and exits.
 *
 * The process has one shutdown. If several offloaders call this, it includes all of them, with the shortest timeout and
 * the longest drainDelay of theirs.
 *
 * @param servers servers of node:http, node:https or node:http2, listening or not, or objects that carry one
 * @throws OffloadError AR_INVALID_OPTIONS, or AR_INVALID_ARGUMENT for what holds no server
 */
export function shutdownOnSignals(
  target: DrainTarget,
  servers?: ServersArgument,
  options: ShutdownOptions = {},
): Shutdown {
  const where = "shutdownOnSignals";
  const found = findServers(where, servers);
  const inKubernetes = process.env.KUBERNETES_SERVICE_HOST !== undefined;
  const resolved = resolveShutdownOptions(where, options, {
    inKubernetes,
    onWindows: process.platform === "win32",
    hasServer: found.length > 0,
  });
  const participant: Participant = {
    target,
    servers: found.map((server) => new ServerDrain(server)),
    options: resolved,
    close: (deadline) => closeBy(target, deadline, resolved.onAbandoned),
  };
  const shutdown = processShutdown();
  const leave = shutdown.join(participant);
  for (const warning of planWarnings(resolved, detectPlatform(), resolved.platformGrace)) {
    shutdown.warn(participant, warning);
  }
  return {
    close: (reason = "close()") => shutdown.close(reason),
    get state() {
      return shutdown.state;
    },
    readiness: readinessProbe(() => shutdown.state === "serving"),
    liveness: livenessProbe(),
    uninstall: leave,
    done: shutdown.done,
  };
}

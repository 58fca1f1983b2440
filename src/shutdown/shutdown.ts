// What `offloader.shutdownOnSignals()` does: it brings the servers and options of one offloader into the shutdown of the
// process.
import { livenessProbe, type Probe, readinessProbe } from "./http/probes.js";
import { ServerDrain } from "./http/server-drain.js";
import { findServers, type ServersArgument } from "./http/servers.js";
import { planWarnings } from "./process/plan-warnings.js";
import { detectPlatform } from "./process/platform.js";
import { processShutdown } from "./process/registry.js";
import { resolveShutdownOptions, type ShutdownOptions } from "./shutdown-options.js";
import { closeBy } from "./steps/close.js";
import type { Participant } from "./steps/participant.js";
import { defaultDrainDelay } from "./steps/plan.js";
import type { ShutdownReport } from "./steps/report.js";
import type { ShutdownState } from "./steps/states.js";
import type { DrainTarget } from "./steps/target.js";

export type { ShutdownOptions } from "./shutdown-options.js";

/** The shutdown of the process, as `shutdownOnSignals()` returns it. */
export interface Shutdown {
  /**
   * Begins the shutdown as a signal would; if it has begun, joins it.
   *
   * @param reason for the log and the report
   * @returns the report, before the process exits
   */
  close(reason?: string): Promise<ShutdownReport>;
  /** How far the shutdown is; `serving` before it begins. */
  readonly state: ShutdownState;
  /** A `(req, res)` handler: 200 from when the tasks module is loaded until the shutdown begins, else 503. */
  readonly readiness: Probe;
  /** A `(req, res)` handler: 200, during the shutdown too. */
  readonly liveness: Probe;
  /**
   * Takes every listener away, from the process and from the servers. Does nothing once the shutdown has begun, which takes
   * them away itself at its end.
   */
  uninstall(): void;
  /**
   * Aborts when the listeners close, which is at the beginning of the shutdown unless there is a `drainDelay`: the time to
   * end what has no end of its own, such as event streams. Its reason is an OffloadError AR_SHUTTING_DOWN.
   */
  readonly signal: AbortSignal;
  /** Resolves with the report when the shutdown is over, before the process exits. */
  readonly done: Promise<ShutdownReport>;
}

/**
 * Shuts the process down in order on a signal: stops accepting connections, finishes open requests, lets every accepted
 * task end, ends the threads, runs the hooks, and exits.
 *
 * The process has one shutdown. If several offloaders call this, it includes all of them, with their shortest timeout and
 * their longest drainDelay.
 *
 * @param servers servers of node:http, node:https or node:http2, listening or not, or objects that carry one. Left out:
 *   every such server that listens is found. `[]`: none
 * @throws OffloadError AR_INVALID_OPTIONS, or AR_INVALID_ARGUMENT for a value that holds no server
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
    hasServer: found.length > 0 || servers === undefined,
  });
  const participant: Participant = {
    target,
    servers: found.map((server) => new ServerDrain(server)),
    findsServers: servers === undefined,
    options: resolved,
    drainDelay() {
      const hasServer = this.servers.length > 0;
      return options.drainDelay ?? defaultDrainDelay(resolved.timeout, inKubernetes, hasServer);
    },
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
    readiness: readinessProbe(() => {
      if (shutdown.state !== "serving") return "shutting down";
      return target.isReady?.() === false ? "the tasks module is not loaded" : undefined;
    }),
    liveness: livenessProbe(),
    uninstall: leave,
    signal: shutdown.signal,
    done: shutdown.done,
  };
}

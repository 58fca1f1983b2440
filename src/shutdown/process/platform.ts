// Which platform runs the process, recognised by its marks, and how long it waits between its signal and its kill.
import { existsSync } from "node:fs";

export interface Platform {
  readonly name: string;
  /** From its signal to its SIGKILL, in ms. */
  readonly grace: number;
  /** How that is set, in words for a message. */
  readonly setting: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Mark extends Platform {
  readonly isHere: (env: Environment, exists: (path: string) => boolean) => boolean;
}

// The innermost platform comes first: PM2 in a container sends the signal, and a pod may have Docker's file.
const marks: readonly Mark[] = [
  { name: "PM2", grace: 1_600, setting: "by default; kill_timeout", isHere: (env) => env.pm_id !== undefined },
  {
    name: "Kubernetes",
    grace: 30_000,
    setting: "by default; terminationGracePeriodSeconds",
    isHere: (env) => env.KUBERNETES_SERVICE_HOST !== undefined,
  },
  {
    name: "Cloud Run",
    grace: 10_000,
    setting: "fixed",
    isHere: (env) => env.K_SERVICE !== undefined && env.K_REVISION !== undefined,
  },
  {
    name: "Fly",
    grace: 5_000,
    setting: "by default; kill_timeout in fly.toml",
    isHere: (env) => env.FLY_APP_NAME !== undefined,
  },
  { name: "Heroku", grace: 30_000, setting: "fixed", isHere: (env) => env.DYNO !== undefined },
  {
    name: "Amazon ECS",
    grace: 30_000,
    setting: "by default; stopTimeout",
    isHere: (env) => env.ECS_CONTAINER_METADATA_URI_V4 !== undefined,
  },
  {
    name: "Docker",
    grace: 10_000,
    setting: "by default; stop_grace_period or --stop-timeout",
    isHere: (_env, exists) => exists("/.dockerenv"),
  },
];

/**
 * The platform that will end this process, if it is recognised.
 *
 * @param exists whether a path exists, for tests
 */
export function detectPlatform(
  env: Environment = process.env,
  exists: (path: string) => boolean = existsSync,
): Platform | undefined {
  const mark = marks.find(({ isHere }) => isHere(env, exists));
  if (mark === undefined) return undefined;
  const { name, grace, setting } = mark;
  // PM2 passes its own configuration on as environment variables.
  const configured = name === "PM2" ? Number(env.kill_timeout) : Number.NaN;
  return { name, grace: configured > 0 ? configured : grace, setting };
}

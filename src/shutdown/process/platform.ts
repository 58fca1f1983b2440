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

/** A platform, with the environment variables that it sets, all of them, or the file that it creates. */
interface Marks extends Platform {
  readonly variables?: readonly string[];
  readonly file?: string;
}

// The innermost platform comes first: PM2 in a container sends the signal, and a pod may have Docker's file.
const platforms: readonly Marks[] = [
  { name: "PM2", grace: 1_600, setting: "by default; kill_timeout", variables: ["pm_id"] },
  {
    name: "Kubernetes",
    grace: 30_000,
    setting: "by default; terminationGracePeriodSeconds",
    variables: ["KUBERNETES_SERVICE_HOST"],
  },
  { name: "Cloud Run", grace: 10_000, setting: "fixed", variables: ["K_SERVICE", "K_REVISION"] },
  { name: "Fly", grace: 5_000, setting: "by default; kill_timeout in fly.toml", variables: ["FLY_APP_NAME"] },
  { name: "Heroku", grace: 30_000, setting: "fixed", variables: ["DYNO"] },
  {
    name: "Amazon ECS",
    grace: 30_000,
    setting: "by default; stopTimeout",
    variables: ["ECS_CONTAINER_METADATA_URI_V4"],
  },
  {
    name: "Docker",
    grace: 10_000,
    setting: "by default; stop_grace_period or --stop-timeout",
    file: "/.dockerenv",
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
  const found = platforms.find(({ variables = [], file }) => {
    return variables.every((variable) => env[variable] !== undefined) && (file === undefined || exists(file));
  });
  if (found === undefined) return undefined;
  const { name, grace, setting } = found;
  // PM2 passes its own configuration on as environment variables.
  const configured = name === "PM2" ? Number(env.kill_timeout) : Number.NaN;
  return { name, grace: configured > 0 ? configured : grace, setting };
}

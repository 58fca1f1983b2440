// What the environment decides, checked once at the start.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface Settings {
  host: string;
  port: number;
  /** Absolute: a worker process gets paths below it. */
  dataDir: string;
  journalDir: string;
  /** Where the queue is that worker processes take photos from. Without it, the server does all the work. */
  redisUrl: string | undefined;
  /** The largest upload, in bytes. */
  maxUpload: number;
  /** Photos that may be unfinished at a time, from the first byte of the upload to the last variant. */
  queueMax: number;
  /** How long a shutdown may take, in ms. */
  shutdownTimeout: number;
}

/** @throws RangeError naming the variable, what it takes and what it is */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const dataDir = resolve(env.DATA_DIR || fileURLToPath(new URL("data", import.meta.url)));
  return {
    host: env.HOST || "127.0.0.1",
    port: integer(env, "PORT", 3000, 0, 65_535),
    dataDir,
    journalDir: join(dataDir, "journal"),
    redisUrl: redisUrl(env.REDIS_URL),
    maxUpload: integer(env, "MAX_UPLOAD_MB", 25, 1, 1_000) * 1_000_000,
    queueMax: integer(env, "QUEUE_MAX", 100, 1, 1_000_000),
    shutdownTimeout: integer(env, "SHUTDOWN_TIMEOUT_MS", 25_000, 1_000, 600_000),
  };
}

function integer(env: NodeJS.ProcessEnv, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, and is "${text}".`);
}

function redisUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === "" || /^rediss?:\/\/[^/]/.test(text)) return text || undefined;
  // It may contain a password, so it is not repeated.
  throw new RangeError("REDIS_URL must be a URL such as redis://127.0.0.1:6379, and is something else.");
}

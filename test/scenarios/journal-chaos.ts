// Kills a server under load by signal 9, again and again, and then takes stock: is every task that was accepted done?
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface JournalChaosOptions {
  readonly kills: number;
  /** The same seed makes the same calls and delays; where in its work a kill meets the server is up to the machine. */
  readonly seed: number;
  readonly threads: number;
  readonly onKill?: (number: number) => void;
}

export interface JournalChaosReport {
  readonly kills: number;
  /** Ids that a call had returned. */
  readonly accepted: number;
  /** Of these, neither done nor a dead letter. */
  readonly lost: number;
  /** Done more than once, counted for each time but the first. */
  readonly repeats: number;
  /** The most repeats that one task had. */
  readonly mostRepeatsOfOne: number;
  /** Tasks that ran when three processes died, one after the other. */
  readonly deadLetters: number;
  /** Left in the journal at the end. */
  readonly unfinished: number;
  readonly durationMs: number;
  /** What must not be: one sentence each. */
  readonly violations: readonly string[];
}

const app = path.join(import.meta.dirname, "fixtures/journal-chaos-app.js");
const cli = path.join(import.meta.dirname, "../../dist/cli.js");

export async function runJournalChaos(options: JournalChaosOptions): Promise<JournalChaosReport> {
  const { kills, seed, threads } = options;
  const startedAt = performance.now();
  const root = mkdtempSync(path.join(tmpdir(), "journal-chaos-"));
  const files = {
    dir: path.join(root, "journal"),
    accepted: path.join(root, "accepted"),
    done: path.join(root, "done"),
  };
  const random = generator(seed);
  try {
    for (let kill = 1; kill <= kills; kill++) {
      await startAndKill({ ...files, threads, seed: random(2 ** 31) }, random);
      options.onKill?.(kill);
    }
    const last = start({ ...files, threads, rest: true, seed });
    const [code, signal] = await once(last, "exit");
    const violations = code === 0 ? [] : [`the last process ended with ${code ?? signal}`];
    return { ...takeStock(files, options, violations), durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Kills a process some time after it is ready, or, one time in five, some time after its start. */
async function startAndKill(argument: object, random: (limit: number) => number): Promise<void> {
  const child = start(argument);
  const exited = once(child, "exit");
  if (random(5) > 0) await Promise.race([once(child.stdout, "data"), exited]);
  await sleep(random(300));
  child.kill("SIGKILL");
  const [code, signal] = await exited;
  if (signal !== "SIGKILL") throw new Error(`the server ended by itself: ${code ?? signal}`);
}

function start(argument: object) {
  return spawn(process.execPath, [app, JSON.stringify(argument)], { stdio: ["ignore", "pipe", "inherit"] });
}

function takeStock(
  files: { dir: string; accepted: string; done: string },
  { kills, threads }: JournalChaosOptions,
  violations: string[],
): Omit<JournalChaosReport, "durationMs"> {
  const accepted = lines(files.accepted);
  const times = new Map<string, number>();
  for (const id of lines(files.done)) times.set(id, (times.get(id) ?? 0) + 1);
  const listed = execFileSync(process.execPath, [cli, "journal", files.dir, "ls", "--json"], { encoding: "utf8" });
  const { unfinished, deadLetters }: { unfinished: object[]; deadLetters: { id: string; reason: string }[] } =
    JSON.parse(listed);
  const dead = new Set(deadLetters.map(({ id }) => id));
  const lost = accepted.filter((id) => !times.has(id) && !dead.has(id));
  const counts = [...times.values()];
  const repeats = counts.reduce((sum, count) => sum + count - 1, 0);
  if (lost.length > 0) violations.push(`${lost.length} accepted tasks are lost, such as ${lost[0]}`);
  if (repeats > kills * threads) violations.push(`${repeats} repeats, more than one for each thread and kill`);
  if (unfinished.length > 0) violations.push(`${unfinished.length} tasks are unfinished at the end`);
  const strange = deadLetters.find(({ reason }) => reason !== "crashed");
  if (strange !== undefined) violations.push(`a dead letter for another reason: ${strange.reason}`);
  return {
    kills,
    accepted: accepted.length,
    lost: lost.length,
    repeats,
    mostRepeatsOfOne: counts.reduce((most, count) => Math.max(most, count - 1), 0),
    deadLetters: dead.size,
    unfinished: unfinished.length,
    violations,
  };
}

/** The whole lines of a file; the last one may have been cut off. */
function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}

/** Whole numbers below a limit, the same ones for the same seed. */
function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The upper bits: the lower ones of such a generator repeat soon.
    return Math.floor((state / 2 ** 32) * limit);
  };
}

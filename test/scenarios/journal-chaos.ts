// Kills servers under load, again and again, and then takes stock: is every task that was accepted done?
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface JournalChaosOptions {
  readonly kills: number;
  /** The same seed makes the same calls and delays; where in its work a kill meets the server is up to the machine. */
  readonly seed: number;
  readonly threads: number;
  /** So many other servers share the journal and live on while one is killed; default 0. */
  readonly siblings?: number;
  /** One kill in so many is a task that runs out of memory, and takes its process down; default: none. */
  readonly exhaustEvery?: number;
  /** Before each kill somebody removes the sockets by which the processes see each other. */
  readonly removesSockets?: boolean;
  readonly onKill?: (number: number) => void;
}

export interface JournalChaosReport {
  readonly kills: number;
  /** Of these, processes that a task took down by running out of memory. */
  readonly exhausted: number;
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
const cli = path.join(import.meta.dirname, "../../dist/cli.cjs");

export async function runJournalChaos(options: JournalChaosOptions): Promise<JournalChaosReport> {
  const { kills, seed, threads, siblings = 0, exhaustEvery } = options;
  const startedAt = performance.now();
  const root = mkdtempSync(path.join(tmpdir(), "journal-chaos-"));
  const files = {
    dir: path.join(root, "journal"),
    accepted: path.join(root, "accepted"),
    done: path.join(root, "done"),
    marker: path.join(root, "exhausted"),
  };
  const random = generator(seed);
  const living: Server[] = [];
  let exhausted = 0;
  try {
    const startOne = (): Server => new Server({ ...files, threads, seed: random(2 ** 31) });
    for (let kill = 1; kill <= kills; kill++) {
      if (options.removesSockets) removeSockets(files.dir);
      while (living.length <= siblings) living.push(startOne());
      const [victim] = living.splice(random(living.length), 1);
      const exhausts = exhaustEvery !== undefined && kill % exhaustEvery === 0;
      if (victim !== undefined && (await victim.end(exhausts, random))) exhausted++;
      options.onKill?.(kill);
    }
    const [last = startOne(), ...others] = living.splice(0);
    for (const other of others) await other.kill();
    const ended = await last.rest();
    const violations = ended === 0 ? [] : [`the last process ended with ${ended}`];
    const counts = takeStock(files, { ...options, kills: kills + others.length }, violations);
    return { ...counts, exhausted, durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    for (const server of living) await server.kill();
    rmSync(root, { recursive: true, force: true });
  }
}

function removeSockets(dir: string): void {
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    if (name.startsWith("owner-")) rmSync(path.join(dir, name, "owner.sock"), { force: true });
  }
}

class Server {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly #exited: Promise<readonly unknown[]>;

  constructor(argument: object) {
    this.#child = spawn(process.execPath, [app, JSON.stringify(argument)], {
      // What V8 writes when it runs out of memory is no news.
      stdio: ["ignore", "pipe", "ignore", "ipc"],
    });
    this.#exited = once(this.#child, "exit");
    this.#ready = this.#child.stdout === null ? this.#exited : once(this.#child.stdout, "data");
  }

  /**
   * Ends it some time after it is ready, or, one time in five, some time after its start.
   *
   * @returns whether a task has done it, by running out of memory
   */
  async end(exhausts: boolean, random: (limit: number) => number): Promise<boolean> {
    if (random(5) > 0 || exhausts) await Promise.race([this.#ready, this.#exited]);
    await sleep(random(300));
    if (!exhausts) {
      await this.kill();
      return false;
    }
    this.#child.send("exhaust");
    await Promise.race([this.#exited, sleep(20_000, undefined, { ref: false })]);
    this.#child.kill("SIGKILL");
    const [, signal] = await this.#exited;
    return signal !== "SIGKILL";
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    const [code, signal] = await this.#exited;
    if (signal !== "SIGKILL") throw new Error(`the server ended by itself: ${code ?? signal}`);
  }

  /** Has it finish what is left, also that of its siblings; returns its exit code or signal. */
  async rest(): Promise<unknown> {
    await Promise.race([this.#ready, this.#exited]);
    this.#child.send("rest");
    const [code, signal] = await this.#exited;
    return code ?? signal;
  }
}

function takeStock(
  files: { dir: string; accepted: string; done: string },
  { kills, threads }: JournalChaosOptions,
  violations: string[],
): Omit<JournalChaosReport, "durationMs" | "exhausted"> {
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

// The rounds of the store benchmark, and the route: contenders whose processes are there at the same time.
import { sidequest } from "../../contenders/stores/all.js";
import { Program } from "../../harness/program.js";
import type { Samples } from "../../harness/samples.js";
import { quantile } from "../../harness/statistics.js";
import type { StoreOrder, StoreReading } from "../../programs/stores.js";
import { accept, accepted, active, burst, bursts, cpu, ended, one, p99, sidequestBurst } from "./metrics.js";
import type { Participants } from "./participants.js";
import { directoryOf, openProcess } from "./processes.js";
import { perSecond, routeP99 } from "./route.js";

export interface Size {
  readonly rounds: number;
  /** Each contender and setting is measured for so long in each round. */
  readonly ms: number;
  readonly routeRounds: number;
}

const warmUpMs = 300;

interface Into extends Size {
  readonly samples: Samples;
  readonly say: (line: string) => void;
}

/**
 * Adds to the samples. The processes end with it.
 *
 * @param base the folder of their directories
 * @param names some of the participants
 */
export async function measureGroup(
  base: string,
  names: readonly string[],
  participants: Participants,
  { rounds, ms, routeRounds, samples, say }: Into,
): Promise<void> {
  const programs: [string, Program][] = [];
  for (const name of names) {
    const dir = directoryOf(name, base, participants);
    programs.push([name, await openProcess(name, participants, { dir })]);
  }
  for (const [name, program] of programs) {
    for (const [, size] of settings(name)) await measure(program, { burst: size, ms: warmUpMs });
  }
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    for (const setting of [one, bursts]) {
      // Whoever is first is not first in the next round.
      for (const [name, program] of round % 2 === 0 ? programs : [...programs].reverse()) {
        const size = new Map(settings(name)).get(setting) ?? 1;
        add(samples, name, setting, await measure(program, { burst: size, ms }));
      }
    }
  }
  say("the route");
  const load = new Program("open-load");
  for (const [name, program] of programs) {
    for (const value of await routeP99(load, program, routeRounds)) samples.add(p99, name, perSecond, value);
    await program.ask("close");
    await program.end();
  }
  await load.end();
}

function settings(name: string): readonly (readonly [string, number])[] {
  return [
    [one, 1],
    [bursts, name === sidequest ? sidequestBurst : burst],
  ];
}

function measure(program: Program, order: StoreOrder): Promise<StoreReading> {
  return program.ask<StoreReading>("measure", order);
}

function add(samples: Samples, name: string, at: string, reading: StoreReading): void {
  const { tasks, acceptMs, elapsedMs, cpuMs, activeMs } = reading;
  const ms = quantile(acceptMs, 0.5);
  samples.add(accept, name, at, ms * 1_000);
  samples.add(accepted, name, at, (tasks / acceptMs.length / ms) * 1_000);
  samples.add(ended, name, at, (tasks / elapsedMs) * 1_000);
  samples.add(cpu, name, at, cpuMs && (cpuMs * 1_000) / tasks);
  samples.add(active, name, at, (activeMs * 1_000) / tasks);
}

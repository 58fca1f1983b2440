// sidequest's job for tiny tasks: a class in a file of its own, which its thread imports too. sidequest is installed by
// bench/harness/on-demand.ts, and the environment says where.
import { tiny } from "./tasks.js";

/** What is used of it. */
interface Package {
  readonly Job: new () => object;
}

const { Job }: Package = await import(process.env.BENCH_SIDEQUEST ?? "");

export class Tiny extends Job {
  run(payload: Parameters<typeof tiny>[0]): number {
    return tiny(payload);
  }
}

// What poolifier loads in its threads: a worker made with the functions by name, the first of which is the default.
import { ThreadWorker } from "poolifier";
import { tiny, touch } from "./tasks.js";

type Input = Parameters<typeof tiny>[0] | Uint8Array;

// biome-ignore lint/style/noDefaultExport: it is how poolifier's README exports a worker
export default new ThreadWorker<Input, number>({
  tiny: (input) => tiny(input as Parameters<typeof tiny>[0]),
  touch: (input) => touch(input as Uint8Array),
});

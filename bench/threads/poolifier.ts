// What poolifier loads in its threads: a worker made with the functions by name, the first of which is the default.
import { ThreadWorker } from "poolifier";
import { fail, sleep, tiny, touch, validate, work } from "./tasks.js";

// poolifier hands every function the same type; the pool is asked for each with its own payload.
type Functions = Record<string, (payload: never) => unknown>;
const functions: Functions = { tiny, touch, validate, work, sleep, fail };

// biome-ignore lint/style/noDefaultExport: it is how poolifier's README exports a worker
export default new ThreadWorker(functions as Record<string, (payload?: unknown) => unknown>);

// What somebody with full access can do: each act by name, with the parameters that it takes.
import { OffloadError } from "../base/errors.js";
import { turn } from "../base/time.js";
import type { Offloader } from "../contract.js";
import { type Query, Refused, required } from "./http/query.js";

type Act = (offloader: Offloader, query: Query) => number | Promise<number>;

/** How many dead letters are handled in one turn of the event loop. */
const inOneTurn = 32;

/** Each returns how many tasks, names or threads it has changed. */
const acts: ReadonlyMap<string, Act> = new Map<string, Act>([
  ["cancel", (offloader, query) => (offloader.find(required(query, "id"))?.cancel("cancelled by hand") ? 1 : 0)],
  ["cancel-all", (offloader, query) => offloader.cancel(knownTask(offloader, query), "cancelled by hand")],
  ["retry", (offloader, query) => (offloader.deadLetters.retry(required(query, "id")) ? 1 : 0)],
  ["discard", (offloader, query) => (offloader.deadLetters.discard(required(query, "id")) ? 1 : 0)],
  ["retry-all", (offloader, query) => each(offloader, query, (id) => offloader.deadLetters.retry(id) !== undefined)],
  ["discard-all", (offloader, query) => each(offloader, query, (id) => offloader.deadLetters.discard(id))],
  ["pause", (offloader, query) => paused(offloader, query, "pause")],
  ["resume", (offloader, query) => paused(offloader, query, "resume")],
  ["renew", (offloader) => offloader.renewThreads()],
]);

/**
 * Does what the query says.
 *
 * @returns how many tasks, names or threads it has changed
 * @throws Refused 400, or 409 where the offloader refuses or there is something else now than was confirmed
 */
export async function perform(offloader: Offloader, query: Query): Promise<number> {
  const act = acts.get(required(query, "do"));
  if (act === undefined) throw new Refused(400, `Unknown act; expected ${[...acts.keys()].join(", ")}`);
  try {
    return await act(offloader, query);
  } catch (error) {
    if (error instanceof OffloadError) throw new Refused(409, `${error.code}: ${error.message}`);
    throw error;
  }
}

function paused(offloader: Offloader, query: Query, act: "pause" | "resume"): number {
  if (query.task === undefined) offloader[act]();
  else offloader[act](knownTask(offloader, query));
  return 1;
}

/** Any other name would only make lines of the log. */
function knownTask(offloader: Offloader, query: Query): string {
  const name = required(query, "task");
  if (Object.hasOwn(offloader.stats().tasks, name)) return name;
  throw new Refused(409, "No task of this name has been dispatched");
}

/** All dead letters, or those of one task. `count` is what was confirmed: with another number nothing is done. */
async function each(offloader: Offloader, query: Query, act: (id: string) => boolean): Promise<number> {
  const confirmed = Number(required(query, "count"));
  const all = await offloader.deadLetters.list();
  const chosen = query.task === undefined ? all : all.filter(({ task }) => task === query.task);
  if (chosen.length !== confirmed) {
    throw new Refused(409, `There are ${chosen.length} now, and ${confirmed} were confirmed; nothing was done`);
  }
  let done = 0;
  for (const [index, { id }] of chosen.entries()) {
    if (index % inOneTurn === inOneTurn - 1) await turn();
    try {
      if (act(id)) done++;
    } catch (error) {
      // One that is damaged cannot be retried. A full queue takes none of the others either.
      if (!(error instanceof OffloadError) || error.code === "AR_QUEUE_FULL") {
        throw new Refused(409, `${done} of ${chosen.length} done: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  return done;
}

// `retry` and `discard`: what becomes of dead letters.
import { openJournal } from "../journal.js";
import { askOwnersToAdopt } from "../takeover/owner.js";
import { type CommandContext, type CommandResult, lettersOf } from "./list.js";

/** Which letters: by id, or all. */
export interface Selection {
  readonly ids: readonly string[];
  readonly all: boolean;
}

/** A dead letter that could not be put back, and why. */
interface Refusal {
  readonly id: string;
  readonly message: string;
}

/** Puts dead letters back among the unfinished tasks, and has a living process of the application take them. */
export async function retry(context: CommandContext, selection: Selection): Promise<CommandResult> {
  const ids = await selected(context, selection);
  const journal = openJournal({ dir: context.root }, { logger: context.logger }, { fs: context.fs, now: Date.now });
  const retried: string[] = [];
  const missing: string[] = [];
  const refused: Refusal[] = [];
  for (const id of ids) {
    try {
      (journal.deadLetters.retry(id) === undefined ? missing : retried).push(id);
    } catch (error) {
      refused.push({ id, message: error instanceof Error ? error.message : String(error) });
    }
  }
  // From here on the tasks are those of a dead process.
  await journal.close();
  const taken = retried.length > 0 && (await askOwnersToAdopt(context.fs, context.root));
  const when = taken ? "a running process takes them" : "no process is running: they run at the next start";
  const text = [
    ...(retried.length > 0 ? [`${count(retried)} put back; ${when}`] : []),
    ...refused.map(({ id, message }) => `${id} stays a dead letter: ${message}`),
    ...missingText(missing, [...retried, ...refused]),
  ];
  const code = missing.length + refused.length > 0 ? 1 : 0;
  return { text: text.join("\n"), json: { retried, missing, refused, taken }, code };
}

export async function discard(context: CommandContext, selection: Selection): Promise<CommandResult> {
  const letters = lettersOf(context);
  const discarded: string[] = [];
  const missing: string[] = [];
  for (const id of await selected(context, selection)) (letters.discard(id) ? discarded : missing).push(id);
  const text = [...(discarded.length > 0 ? [`${count(discarded)} discarded`] : []), ...missingText(missing, discarded)];
  return { text: text.join("\n"), json: { discarded, missing }, code: missing.length > 0 ? 1 : 0 };
}

async function selected(context: CommandContext, { ids, all }: Selection): Promise<readonly string[]> {
  return all ? (await lettersOf(context).list()).map(({ id }) => id) : ids;
}

function count(ids: readonly string[]): string {
  return `${ids.length} dead letter${ids.length === 1 ? "" : "s"}`;
}

function missingText(missing: readonly string[], done: readonly unknown[]): string[] {
  if (missing.length > 0) return missing.map((id) => `there is no dead letter ${id}`);
  return done.length === 0 ? ["there are no dead letters"] : [];
}

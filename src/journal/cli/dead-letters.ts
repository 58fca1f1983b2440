// `retry` and `discard`: dead letters become tasks again, or are deleted.
import { wallClock } from "../../base/time.js";
import { openJournal } from "../journal.js";
import { askOwnersToTakeOver } from "../takeover/ask-owner.js";
import { type CommandContext, type CommandResult, count, deadLetterFiles } from "./command.js";
import { flat } from "./printable.js";

/** Which dead letters: by id, or all. */
export interface Selection {
  readonly ids: readonly string[];
  readonly all: boolean;
}

/** A dead letter that could not be put back, and why. */
interface Refusal {
  readonly id: string;
  readonly message: string;
}

/** Puts dead letters back among the unfinished tasks, and asks a living process of the application to take these over. */
export async function retry(context: CommandContext, selection: Selection): Promise<CommandResult> {
  const ids = await selected(context, selection);
  const journal = openJournal({ dir: context.root }, { logger: context.logger }, { fs: context.fs, now: wallClock });
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
  // From now on the tasks are those of a dead process.
  await journal.close();
  const taken = retried.length > 0 && (await askOwnersToTakeOver(context.fs, context.root));
  const when = taken ? "a running process takes them over" : "no process is running: they run at the next start";
  const text = [
    ...(retried.length > 0 ? [`${count(retried.length, "dead letter")} put back; ${when}`] : []),
    ...refused.map(({ id, message }) => `${flat(id)} stays a dead letter: ${message}`),
    ...missingText(missing, [...retried, ...refused]),
  ];
  const code = missing.length + refused.length > 0 ? 1 : 0;
  return { text: text.join("\n"), json: { retried, missing, refused, taken }, code };
}

export async function discard(context: CommandContext, selection: Selection): Promise<CommandResult> {
  const files = deadLetterFiles(context);
  const discarded: string[] = [];
  const missing: string[] = [];
  for (const id of await selected(context, selection)) (files.discard(id) ? discarded : missing).push(id);
  const text = [
    ...(discarded.length > 0 ? [`${count(discarded.length, "dead letter")} discarded`] : []),
    ...missingText(missing, discarded),
  ];
  return { text: text.join("\n"), json: { discarded, missing }, code: missing.length > 0 ? 1 : 0 };
}

async function selected(context: CommandContext, { ids, all }: Selection): Promise<readonly string[]> {
  return all ? (await deadLetterFiles(context).list()).map(({ id }) => id) : ids;
}

function missingText(missing: readonly string[], done: readonly unknown[]): string[] {
  if (missing.length > 0) return missing.map((id) => `there is no dead letter ${flat(id)}`);
  return done.length === 0 ? ["there are no dead letters"] : [];
}

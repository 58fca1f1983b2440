// Text that a client may have written, made harmless for a terminal: nothing in it moves the cursor, changes a colour or the
// direction of writing, or looks like a line of our own.
import { unsafe } from "../../base/printable.js";

const anyUnsafe = new RegExp(`[${unsafe}]`, "gu");
const unsafeRun = new RegExp(`[${unsafe}]+`, "gu");

/** A text of several lines: everything unsafe but the ends of lines is written as `\xNN` or `\uNNNN`. */
export function printable(text: string): string {
  return text.replace(anyUnsafe, (character) => (character === "\n" ? character : escaped(character)));
}

/** The text of a JSON document: what JSON leaves as it is (0x7f to 0x9f, for example) is escaped too. The value is the same. */
export function printableJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return text.replace(anyUnsafe, (character) =>
    character === "\n" ? character : `\\u${codeOf(character).padStart(4, "0")}`,
  );
}

/** On one line: runs of unsafe characters become a space. */
export function flat(text: string): string {
  return text.replace(unsafeRun, " ");
}

/** A value of several lines under a name: its further lines are indented, so that none looks like another value. */
export function indented(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

function escaped(character: string): string {
  const code = codeOf(character);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}

// Text as a person or a log reader may see it: what a client sent must not forge a line or steer a terminal.

/**
 * What stands between the brackets of a regular expression with the flag `u`: control characters, separators of lines and
 * paragraphs, and the marks that change the direction of writing.
 */
export const unsafe = "\\p{Cc}\\p{Zl}\\p{Zp}\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";

const anyUnsafe = new RegExp(`[${unsafe}]`, "gu");

/** On one line, with nothing in it that a terminal obeys. Valid within JSON, too. */
export function onOneLine(text: string): string {
  return text.replace(anyUnsafe, escapeOf);
}

/** On as many lines as it has, each indented, so that none can look like the beginning of another entry. */
export function indented(text: string): string {
  return text
    .split(/\r\n|[\n\r]/)
    .map((line) => (/^ {2}/.test(line) ? onOneLine(line) : `  ${onOneLine(line)}`))
    .join("\n");
}

function escapeOf(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// The parameters of a request: each by its pattern, each once, and nothing else. What does not fit is refused, never corrected.
import { isId } from "../../journal/format/id.js";

/** A refusal that the client sees. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const fits: Readonly<Record<string, (text: string) => boolean>> = {
  do: (text) => /^[a-z-]{1,20}$/.test(text),
  id: isId,
  // Of the length that a callback's or a task's name has at the most on the page.
  task: (text) => text.length >= 1 && text.length <= 200,
  count: (text) => /^(0|[1-9]\d{0,6})$/.test(text),
};

export type Query = Readonly<Record<string, string>>;

/**
 * The query of a URL.
 *
 * @param allowed the parameters that there may be
 * @throws Refused 400; the message repeats nothing of what was sent
 */
export function parseQuery(url: string, allowed: readonly string[]): Query {
  const start = url.indexOf("?");
  const query: Record<string, string> = {};
  if (start < 0) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    if (!allowed.includes(name)) throw new Refused(400, `Unknown parameter; expected ${allowed.join(", ") || "none"}`);
    if (Object.hasOwn(query, name)) throw new Refused(400, `The parameter ${name} was given twice`);
    if (!fits[name]?.(value)) throw new Refused(400, `The parameter ${name} is not of the expected form`);
    query[name] = value;
  }
  return query;
}

/** @throws Refused 400 where it was left out */
export function required(query: Query, name: string): string {
  const value = query[name];
  if (value === undefined) throw new Refused(400, `The parameter ${name} is missing`);
  return value;
}

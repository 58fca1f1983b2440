// Which errors are alike, so that the log sums them up.

const mostCharacters = 200;

/** What an error has in common with those that are alike: numbers, ids and whatever is in quotes may differ. */
export function alike(err: unknown): string {
  if (!(err instanceof Error)) return typeof err;
  try {
    const text = String(err.message).slice(0, mostCharacters);
    return `${err.name} ${String(Reflect.get(err, "code"))} ${text.replace(/"[^"]*"|'[^']*'|\b[\da-f]*\d[\da-f-]*/gi, "#")}`;
  } catch {
    // Its fields are getters of the user's that throw.
    return "an error that cannot be read";
  }
}

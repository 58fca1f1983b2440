// The known name that a misspelled name most likely means, for messages.

/** The name in `known` with the fewest letters that differ from `name`; undefined where more than a third of them differ. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  // The name may be a client's: at 1 MB the table alone would hold the main thread for 200 ms.
  if (name.length > longestName) return undefined;
  let best: string | undefined;
  let bestDistance = Math.floor(Math.max(name.length, 3) / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A longer name is no misspelling. */
const longestName = 200;

/** Levenshtein's distance. Only one row of its table is kept. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}

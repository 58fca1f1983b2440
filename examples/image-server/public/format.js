// Numbers as people read them; no line ends between a number and its unit.

/** @param {number} count */
export function bytes(count) {
  if (count < 1000) return `${count}\u00a0B`;
  const [value, unit] = count < 999_500 ? [count / 1000, "kB"] : [count / 1_000_000, "MB"];
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)}\u00a0${unit}`;
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)}\u00a0ms`;
  return ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1000).toFixed(1)}\u00a0s`;
}

/** How much smaller `now` is than `before`: a true minus sign, never "−100 %" for a file that is still there. */
export function saving(before, now) {
  const percent = Math.min(99, Math.round((1 - now / before) * 100));
  return percent > 0 ? `\u2212${percent}\u202f%` : "no gain";
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** us of CPU time of this thread so far; undefined where the system does not tell. */
export function mainThreadUs(): number | undefined;

// Which of the process's Node options a thread can be given. Without `execArgv` a thread has them all; with it, Worker refuses
// those of the whole process, such as `--max-old-space-size`, and `--inspect`, `--watch` or `--test` are no thread's.

const withValue = /^(--conditions|-C|--require|-r|--import|--loader|--experimental-loader)(?:=(.*))?$/s;
const alone =
  /^--(no-warnings|trace-warnings|no-deprecation|trace-deprecation|throw-deprecation|enable-source-maps|preserve-symlinks|experimental-strip-types|experimental-transform-types)$/;
// Of packages that compile TypeScript, except tsx, which threads need in another form.
const compilers = /ts-node|@?swc|esbuild|sucrase|babel|jiti|oxc|(^|[-/])(ts|typescript)[-/]|register|loader/;

/** The options that threads can have, each as one word or two; those of tsx left out. */
export function inheritedOptions(execArgv: readonly string[]): string[] {
  return pairs(execArgv)
    .filter(([, value]) => !/\btsx\b/.test(value ?? ""))
    .flatMap(([name, value]) => (value === undefined ? [name] : [name, value]));
}

/** Whether the process runs under something else than tsx that may compile TypeScript. */
export function hasOtherLoader(execArgv: readonly string[]): boolean {
  return pairs(execArgv).some(([name, value]) => {
    if (value === undefined || /\btsx\b/.test(value) || /^(--conditions|-C)$/.test(name)) return false;
    return /loader$/.test(name) || compilers.test(value);
  });
}

function pairs(execArgv: readonly string[]): (readonly [name: string, value: string | undefined])[] {
  const found: (readonly [string, string | undefined])[] = [];
  for (let index = 0; index < execArgv.length; index++) {
    const argument = execArgv[index] ?? "";
    const match = withValue.exec(argument);
    if (match !== null) found.push([match[1] ?? "", match[2] ?? execArgv[++index] ?? ""]);
    else if (alone.test(argument)) found.push([argument, undefined]);
  }
  return found;
}

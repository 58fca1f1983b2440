// Where the files of the application are, as far as the process knows without any module of the application.
import { realpathSync, statSync } from "node:fs";
import path from "node:path";

/**
 * The folder of the program that was started, unless it is a package's (a test runner, `next start`); the working directory; and
 * `src` in it, for a test runner.
 */
export function applicationFolders(): string[] {
  const program = programFolder();
  const cwd = workingDirectory();
  const folders = [
    ...(program === undefined || isInPackages(program) ? [] : [program]),
    ...(cwd === undefined ? [] : [cwd, path.join(cwd, "src")]),
  ];
  return [...new Set(folders)];
}

/** The folder of the program. It may be started by the name of its folder, or through a link. */
export function programFolder(): string | undefined {
  const [, program] = process.argv;
  if (program === undefined) return undefined;
  try {
    const file = realpathSync(program);
    return statSync(file).isDirectory() ? file : path.dirname(file);
  } catch {
    // It was started without its extension: `node dist/main`.
    return path.dirname(program);
  }
}

function isInPackages(folder: string): boolean {
  return folder.split(path.sep).includes("node_modules");
}

function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    // It has been removed.
    return undefined;
  }
}

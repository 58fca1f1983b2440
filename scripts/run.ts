// How the scripts start other programs: in the root of the repository, their output passed on.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs an installed tool with this very Node.js; says whether it succeeded.
 *
 * @param bin the tool's program, from node_modules on
 */
export function tool(bin: string, ...args: string[]): boolean {
  return succeeds(process.execPath, [path.join(root, "node_modules", bin), ...args]);
}

/** Runs npm; says whether it succeeded. */
export function npm(...args: string[]): boolean {
  return succeeds("npm", args, { shell: process.platform === "win32" });
}

/** Runs a program; says whether it succeeded. Throws if it cannot be started. */
export function succeeds(
  command: string,
  args: readonly string[],
  options: { shell?: boolean; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): boolean {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return status === 0;
}

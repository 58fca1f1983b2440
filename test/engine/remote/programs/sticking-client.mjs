// A client whose end takes 20 s in native code.
import { execFileSync } from "node:child_process";

export function connect() {
  return {
    open: ({ state }) => state(true),
    close: async () => void execFileSync("sleep", ["20"]),
  };
}

import type { RemoteEngine } from "../../../src/engine/remote/remote-engine.js";

export function connect(options: {
  readonly port: number;
  readonly queue: string;
  readonly dies?: boolean;
}): RemoteEngine;

import type { Socket } from "node:net";

export class MemoryConnection extends Socket {}

// The compiler as an editor talks to it: the language server that is part of tsc, asked for completions.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const tsc = path.join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");

export class LanguageServer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #input = Buffer.alloc(0);
  #lastId = 0;

  /** @param root the folder of the project, with its tsconfig.json */
  constructor(private readonly root: string) {
    this.#process = spawn(process.execPath, [tsc, "--lsp", "--stdio"], { cwd: root });
    this.#process.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#process.stderr.resume();
  }

  async start(): Promise<void> {
    const rootUri = pathToFileURL(this.root).href;
    await this.#request("initialize", { processId: process.pid, rootUri, capabilities: {} });
    this.#send({ method: "initialized", params: {} });
  }

  /**
   * What the editor would offer.
   *
   * @param file a file of the project, whose text on disk is not looked at
   * @param text its text, with `|` where the cursor is
   * @returns the names, without the mark of an optional one
   */
  async complete(file: string, text: string): Promise<string[]> {
    const before = text.slice(0, text.indexOf("|")).split("\n");
    const uri = pathToFileURL(path.join(this.root, file)).href;
    const opened = { uri, languageId: "typescript", version: 1, text: text.replace("|", "") };
    this.#send({ method: "textDocument/didOpen", params: { textDocument: opened } });
    const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
    const answer = await this.#request("textDocument/completion", { textDocument: { uri }, position });
    this.#send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
    return labels(answer);
  }

  stop(): void {
    // tsc is a small program that starts the real one, which ends when its input does.
    this.#process.stdin.end();
    this.#process.kill();
  }

  #request(method: string, params: object): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#send({ id, method, params });
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #read(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (;;) {
      const header = /^Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n/.exec(this.#input.toString("latin1"));
      if (!header) return;
      const end = header[0].length + Number(header[1]);
      if (this.#input.length < end) return;
      this.#receive(JSON.parse(this.#input.subarray(header[0].length, end).toString()));
      this.#input = this.#input.subarray(end);
    }
  }

  #receive(message: { id?: number; method?: string; result?: unknown }): void {
    if (message.id === undefined) return;
    if (message.method === undefined) {
      this.#answers.get(message.id)?.(message.result);
      this.#answers.delete(message.id);
    } else {
      // A question of the server's, about settings or capabilities: it has to be answered, and nothing is an answer.
      this.#send({ id: message.id, result: null });
    }
  }
}

function labels(answer: unknown): string[] {
  const items: unknown = Array.isArray(answer) ? answer : Object(answer).items;
  return Array.isArray(items) ? items.map((item: { label: string }) => item.label.replace(/\?$/, "")) : [];
}

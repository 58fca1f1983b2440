// Starts the image server as a process with a data folder of its own, and looks at what it leaves on the disk.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { expect } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { type Program, startProgram } from "../support/process.js";

export interface Photo {
  id: string;
  name: string;
  state: string;
  bytes: number;
  error?: string;
  image?: { width: number; planned: number; placeholder: string; variants: Variant[] };
}

export interface Variant {
  file: string;
  format: "avif" | "webp" | "jpg";
  width: number;
  bytes: number;
}

export const photosDir = join(import.meta.dirname, "../../examples/photos");
export const astronaut: Buffer = await readFile(join(photosDir, "astronaut.png"));
export const chelsea: Buffer = await readFile(join(photosDir, "chelsea.png"));

export const newDataDir = (): string => makeDirectory("image-server");

/** @param env beside a port of its own */
export function startImageServer(env: Record<string, string>): Promise<Program> {
  return startProgram("examples/image-server/main.ts", {
    env: { PORT: "0", HOST: undefined, ...env },
    ready: /^Image server on http:\/\/127\.0\.0\.1:(\d+)$/m,
  });
}

export async function upload(url: string, body: Buffer | ReadableStream, name?: string): Promise<Response> {
  const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
  return fetch(`${url}/photos${query}`, { method: "POST", body, duplex: "half" } as RequestInit);
}

/** The server's events from now on, in the order of arrival. The first is `hello`: after it nothing is missed. */
export async function* serverEvents(url: string): AsyncGenerator<{ event: string; data: unknown }> {
  const response = await fetch(`${url}/events`);
  if (response.body === null) throw new Error("the stream of events has no body");
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [event = "", data = ""] = block.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
      yield { event, data: JSON.parse(data) };
    }
  }
}

/** Resolves with the photo once an event says that it is done or has failed. */
export async function ended(events: AsyncGenerator<{ event: string; data: unknown }>, id: string): Promise<Photo> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error("the stream of events ended");
    const photo = value.data as Photo;
    if (value.event === "photo" && photo.id === id && (photo.state === "done" || photo.state === "failed"))
      return photo;
  }
}

/** Every photo under `dataDir` is whole: all its variants are there, each decodes at its width, and nothing else is. */
export async function expectWholePhotos(dataDir: string, count: number): Promise<void> {
  const ids = await readdir(join(dataDir, "photos"));
  expect(ids).toHaveLength(count);
  for (const id of ids) await expectWholePhoto(join(dataDir, "photos", id));
  expect(await readdir(join(dataDir, "incoming"))).toEqual([]);
}

async function expectWholePhoto(folder: string): Promise<void> {
  const { planned, variants }: { planned: number; variants: Variant[] } = JSON.parse(
    await readFile(join(folder, "result.json"), "utf8"),
  );
  expect(variants).toHaveLength(planned);
  const files = variants.map(({ file }) => file);
  expect((await readdir(folder)).sort()).toEqual(["original", "result.json", "upload.json", ...files].sort());
  const formats = { avif: "heif", webp: "webp", jpg: "jpeg" };
  for (const { file, format, width, bytes } of variants) {
    const content = await readFile(join(folder, file));
    expect(content).toHaveLength(bytes);
    // metadata() reads the head alone; stats() decodes every pixel.
    const image = sharp(content, { failOn: "warning" });
    expect(await image.metadata()).toMatchObject({ format: formats[format], width });
    expect((await image.stats()).channels).toHaveLength(3);
  }
}

/** Every file and folder under `folder`, by its path from there. Of the journal's the dead letters alone. */
export async function filesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => !/^journal\/(?!dead-letters)/.test(file)).sort();
}

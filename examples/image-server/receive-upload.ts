// Takes an upload from the network to the disk: the raw body, chunk by chunk, never the whole of it in memory.

import { type FileHandle, open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { headLength, imageType } from "./image-type.js";

/** The upload is the sender's mistake; `status` is the answer's. */
export class BadUpload extends Error {
  constructor(
    readonly status: 400 | 413 | 415,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The name of an upload: shown to people, and no part of any path.
 *
 * @throws BadUpload if it is not the plain name of a file
 */
export function uploadName(given: unknown): string {
  if (given === undefined) return "photo";
  if (typeof given !== "string" || given.length === 0 || given.length > 200) {
    throw new BadUpload(400, "The name must be given once, and have 1 to 200 characters.");
  }
  // Control characters, and those that turn the direction of writing so that "gpj.exe" reads "exe.jpg".
  if (/[/\\\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(given) || given === "." || given === "..") {
    throw new BadUpload(400, "The name must be a file's name, without a path and without control characters.");
  }
  return given;
}

/**
 * Writes the request's body to a new file at `path`.
 *
 * @returns its length and the media type that its first bytes show
 * @throws BadUpload if it is empty, no image or longer than `maxBytes`; what has been written so far is left to the caller
 */
export async function receiveUpload(
  req: IncomingMessage,
  path: string,
  maxBytes: number,
): Promise<{ bytes: number; type: string }> {
  if (Number(req.headers["content-length"]) > maxBytes) throw tooLarge(maxBytes);
  const file = await open(path, "wx");
  try {
    return await writeBody(req, file, maxBytes);
  } finally {
    await file.close();
  }
}

async function writeBody(
  req: IncomingMessage,
  file: FileHandle,
  maxBytes: number,
): Promise<{ bytes: number; type: string }> {
  let bytes = 0;
  let head = Buffer.alloc(0);
  // The request must outlive a refusal: destroyed with its body half read, the sender gets a reset and no answer.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    if (head.length < headLength) {
      head = Buffer.concat([head, chunk.subarray(0, headLength - head.length)]);
      if (head.length === headLength) typeOf(head);
    }
    await file.writeFile(chunk);
  }
  if (bytes === 0) throw new BadUpload(400, "The upload is empty.");
  return { bytes, type: typeOf(head) };
}

function typeOf(head: Buffer): string {
  const type = imageType(head);
  if (type === undefined) throw new BadUpload(415, "This is not an image: JPEG, PNG, WebP, GIF or AVIF is expected.");
  return type;
}

function tooLarge(maxBytes: number): BadUpload {
  return new BadUpload(413, `The upload is larger than ${maxBytes / 1_000_000} MB.`);
}

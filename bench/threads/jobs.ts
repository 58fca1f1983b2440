// Jobs as applications have them. They are the tasks of a pool, and what a handler would call without one.
import { readFileSync } from "node:fs";
import bcrypt from "bcryptjs";
import { marked } from "marked";
import PDFDocument from "pdfkit";
import { PNG } from "pngjs";
import sharp from "sharp";
import { type Row, validate } from "./tasks.js";

// One operation at a time uses one core, so that two at a time use two; by default each uses all.
sharp.concurrency(1);

/** A photo made smaller by libvips, which works in libuv's threads: the caller's thread only waits. */
export async function photo({ file, width }: { file: string; width: number }): Promise<number> {
  return (await sharp(file).resize(width).webp().toBuffer()).length;
}

/** A photo made smaller in JavaScript. */
export function png({ file }: { file: string }): number {
  const { width, height, data } = PNG.sync.read(readFileSync(file));
  const small = new PNG({ width: width >> 1, height: height >> 1 });
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      for (let c = 0; c < 4; c++)
        small.data[4 * (y * small.width + x) + c] = data[4 * (2 * y * width + 2 * x) + c] ?? 0;
    }
  }
  return PNG.sync.write(small).length;
}

/** A long text as HTML. */
export function markdown({ text }: { text: string }): number {
  return marked.parse(text, { async: false }).length;
}

/** A report of so many pages. */
export async function pdf({ pages }: { pages: number }): Promise<number> {
  const document = new PDFDocument({ autoFirstPage: false });
  let bytes = 0;
  document.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  const ended = new Promise((resolve) => document.on("end", resolve));
  for (let page = 0; page < pages; page++) {
    document.addPage();
    for (let line = 0; line < 40; line++)
      document.fontSize(10).text(`Line ${line} of page ${page}, with some words in it`);
  }
  document.end();
  await ended;
  return bytes;
}

/** A hash of a password, in JavaScript. */
export function hash({ password, rounds }: { password: string; rounds: number }): string {
  return bcrypt.hashSync(password, rounds);
}

/** A large document, read and looked at. */
export function json({ text }: { text: string }): number {
  const rows: unknown = JSON.parse(text);
  return Array.isArray(rows) ? rows.length : 0;
}

/** Rows that the main thread has as objects. */
export function rows({ users }: { users: readonly Row[] }): number {
  return validate(users);
}

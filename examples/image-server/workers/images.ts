// The tasks: what happens to a photo once its upload has been answered. Every exported function is a task, and runs in a
// worker thread.
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TaskContext } from "offload-after-response";
import sharp, { type OutputInfo, type Sharp } from "sharp";
import { rgbaToThumbHash } from "thumbhash";

/** No picture of more pixels is decoded: a file of a few kilobytes can claim billions. */
const maxPixels = 50_000_000;

/** Widths of the variants, in pixels. A smaller picture gets those below its own width, and its own. */
const widths = [160, 320, 640, 1280];

const encoders = {
  avif: (image: Sharp) => image.avif({ quality: 55, effort: 1 }),
  webp: (image: Sharp) => image.webp({ quality: 78 }),
  jpg: (image: Sharp) => image.flatten({ background: "white" }).jpeg({ quality: 80, mozjpeg: true }),
};

export interface Variant {
  /** The file's name in the photo's folder, such as `320.avif`. */
  file: string;
  format: keyof typeof encoders;
  width: number;
  bytes: number;
}

/** What is known of a photo so far: complete when it has `planned` variants. */
export interface OptimizedImage {
  width: number;
  height: number;
  /** A thumbhash in base64: the blurred picture in about 25 bytes. */
  placeholder: string;
  planned: number;
  variants: Variant[];
  /** From the task's start, in ms. */
  tookMs: number;
}

// The pool's threads are the parallelism. libvips would start as many of its own for each image on top of them, and
// keep decoded images of other people's photos in its cache.
sharp.concurrency(1);
sharp.cache({ memory: 32, files: 0, items: 32 });

/**
 * Makes AVIF, WebP and JPEG files in several widths of `original` in the photo's folder, and its placeholder.
 * Running it again replaces each file with the same content, so it may run twice.
 */
export async function optimizeImage({ folder }: { folder: string }, task: TaskContext): Promise<void> {
  // What a killed process left: an upload that never was complete, or a photo that was finished a moment before.
  if (!existsSync(folder) || existsSync(join(folder, "result.json"))) return;
  const started = performance.now();
  const { width, height, pixels } = await decode(join(folder, "original"), Math.max(...widths));
  const variantWidths = [...widths.filter((each) => each < pixels.info.width), pixels.info.width];
  const image: OptimizedImage = {
    width,
    height,
    placeholder: await placeholderOf(pixels),
    planned: variantWidths.length * Object.keys(encoders).length,
    variants: [],
    tookMs: 0,
  };
  task.progress(image);

  for (const variantWidth of variantWidths) {
    for (const [format, encode] of Object.entries(encoders) as [Variant["format"], (image: Sharp) => Sharp][]) {
      // Between two files is the place to stop for a cancel, a timeout or the end of the process.
      task.throwIfAborted();
      const data = await encode(toSharp(pixels).resize({ width: variantWidth })).toBuffer();
      const file = `${variantWidth}.${format}`;
      await writeWhole(join(folder, file), data);
      image.variants.push({ file, format, width: variantWidth, bytes: data.length });
      image.tookMs = Math.round(performance.now() - started);
      task.progress(image);
    }
  }
  await writeWhole(join(folder, "result.json"), JSON.stringify(image));
}

interface Pixels {
  data: Buffer;
  info: OutputInfo;
}

/** Decodes the file once, no wider than it is needed: a damaged file fails here, before anything is written. */
async function decode(file: string, maxWidth: number): Promise<{ width: number; height: number; pixels: Pixels }> {
  try {
    const source = sharp(file, { limitInputPixels: maxPixels, failOn: "error" });
    const { autoOrient } = await source.metadata();
    const pixels = await source
      .autoOrient()
      .resize({ width: maxWidth, withoutEnlargement: true })
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { ...autoOrient, pixels };
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

function explain(error: unknown): string {
  return error instanceof Error && error.message.includes("pixel limit")
    ? `The picture has more than ${maxPixels / 1_000_000} million pixels.`
    : "The file is damaged or incomplete.";
}

/** Plain JavaScript over 10,000 pixels: work that would stop every request if the main thread did it. */
async function placeholderOf(pixels: Pixels): Promise<string> {
  const { data, info } = await toSharp(pixels)
    .resize({ width: 100, height: 100, fit: "inside" })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString("base64");
}

function toSharp({ data, info }: Pixels): Sharp {
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

/** A reader sees the whole file or none: it gets its name when it is complete. */
async function writeWhole(path: string, data: Buffer | string): Promise<void> {
  await writeFile(`${path}.part`, data);
  await rename(`${path}.part`, path);
}

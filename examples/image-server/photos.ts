// The photos: a folder each, under a name that is made here, and what is known of them in memory.
import { rmSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { OptimizedImage } from "./workers/images.js";

/** What the sender gave. */
export interface Upload {
  id: string;
  name: string;
  /** The media type of the original. */
  type: string;
  bytes: number;
  uploadedAt: string;
  /** The id of its task, which is the same in the process after this one. */
  task: string;
}

export interface Photo extends Upload {
  /** A failed photo is a record only: its files are gone. */
  state: "waiting" | "working" | "done" | "failed";
  /** From the last byte of the upload to the end of the response, in ms. */
  answeredMs?: number;
  image?: OptimizedImage;
  error?: string;
}

/**
 * `incoming/<id>` while a photo is uploaded, `photos/<id>` when it is complete; a rename leads from one to the other, so
 * there is no half a photo. In a larger application the records are a database's.
 */
export class Photos {
  readonly #photos = new Map<string, Photo>();
  /** Ids by those of the tasks; of photos that are not finished. */
  readonly #byTask = new Map<string, string>();

  private constructor(
    readonly dir: string,
    private readonly changed: (photo: Photo) => void,
  ) {}

  /**
   * The photos of an earlier process, too. Those that it left unfinished are `waiting`.
   *
   * @param dir is made if it is missing
   * @param changed called with every new or changed photo
   */
  static async open(dir: string, changed: (photo: Photo) => void): Promise<Photos> {
    const photos = new Photos(dir, changed);
    await rm(join(dir, "incoming"), { recursive: true, force: true });
    await mkdir(join(dir, "incoming"), { recursive: true });
    await mkdir(join(dir, "photos"), { recursive: true });
    const entries = await readdir(join(dir, "photos"), { withFileTypes: true });
    const found = await Promise.all(
      entries.filter((entry) => entry.isDirectory()).map(({ name }) => read(photos.folder(name))),
    );
    found.sort((a, b) => a.uploadedAt.localeCompare(b.uploadedAt));
    for (const photo of found) photos.#remember(photo);
    return photos;
  }

  /** Newest first. */
  list(): Photo[] {
    return [...this.#photos.values()].reverse();
  }

  /** How many are done and how many have failed, those of earlier processes included. */
  counts(): { done: number; failed: number } {
    const counts = { done: 0, failed: 0 };
    for (const { state } of this.#photos.values()) if (state === "done" || state === "failed") counts[state]++;
    return counts;
  }

  unfinished(): Photo[] {
    return [...this.#byTask.values()].flatMap((id) => this.#photos.get(id) ?? []);
  }

  get(id: string): Photo | undefined {
    return this.#photos.get(id);
  }

  /** The photo that is this task's work, until it is finished. */
  ofTask(task: string): Photo | undefined {
    const id = this.#byTask.get(task);
    return id === undefined ? undefined : this.#photos.get(id);
  }

  /** Where the files of a photo are, or will be. */
  folder(id: string): string {
    return join(this.dir, "photos", id);
  }

  /**
   * Adds a photo whose original `receive` writes to the path that it is given.
   *
   * @param task the id of the task that optimises it
   * @throws what `receive` throws; nothing is left of the photo then
   */
  async add(
    id: string,
    name: string,
    task: string,
    receive: (path: string) => Promise<{ bytes: number; type: string }>,
  ): Promise<Photo> {
    const incoming = join(this.dir, "incoming", id);
    await mkdir(incoming);
    try {
      const upload: Upload = { id, name, task, ...(await receive(join(incoming, "original"))), uploadedAt: now() };
      await writeFile(join(incoming, "upload.json"), JSON.stringify(upload));
      await rename(incoming, this.folder(id));
      this.#remember({ ...upload, state: "waiting" });
      return { ...upload, state: "waiting" };
    } catch (error) {
      await rm(incoming, { recursive: true, force: true });
      throw error;
    }
  }

  update(id: string, change: Partial<Photo>): void {
    const photo = this.#photos.get(id);
    if (photo === undefined) return;
    const updated = { ...photo, ...change };
    this.#remember(updated);
    this.changed(updated);
  }

  /** Removes the files of a photo and keeps its record, which says why. */
  fail(id: string, error: string): void {
    // In one go: this may be the last thing that the process does.
    rmSync(this.folder(id), { recursive: true, force: true });
    this.update(id, { state: "failed", error });
  }

  /** Removes a photo, as if it had never been sent. */
  forget(id: string): void {
    rmSync(this.folder(id), { recursive: true, force: true });
    this.#byTask.delete(this.#photos.get(id)?.task ?? "");
    this.#photos.delete(id);
  }

  #remember(photo: Photo): void {
    this.#photos.set(photo.id, photo);
    if (photo.state === "waiting" || photo.state === "working") this.#byTask.set(photo.task, photo.id);
    else this.#byTask.delete(photo.task);
  }
}

/** What the task has left in a photo's folder as the last file of all; undefined before. */
export async function readResult(folder: string): Promise<OptimizedImage | undefined> {
  const result = await readFile(join(folder, "result.json"), "utf8").catch(() => undefined);
  return result === undefined ? undefined : JSON.parse(result);
}

async function read(folder: string): Promise<Photo> {
  const upload: Upload = JSON.parse(await readFile(join(folder, "upload.json"), "utf8"));
  const image = await readResult(folder);
  return image === undefined ? { ...upload, state: "waiting" } : { ...upload, state: "done", image };
}

function now(): string {
  return new Date().toISOString();
}

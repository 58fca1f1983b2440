// The routes. An upload is answered as soon as it is on the disk; its task runs after that.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import express, { type Express } from "express";
import { dashboard } from "offload-after-response/dashboard";
import { poolState } from "./announce.js";
import type { Live } from "./live.js";
import type { ImageOffloader } from "./offloader.js";
import type { Photos } from "./photos.js";
import { BadUpload, receiveUpload, uploadName } from "./receive-upload.js";
import type { OptimizedImage } from "./workers/images.js";

export interface AppParts {
  offloader: ImageOffloader;
  photos: Photos;
  live: Live;
  /** The largest upload, in bytes. */
  maxUpload: number;
}

const publicDir = fileURLToPath(new URL("public", import.meta.url));
const sampleDir = fileURLToPath(new URL("../photos", import.meta.url));
const thumbhashScript = createRequire(import.meta.url).resolve("thumbhash");

export function createApp({ offloader, photos, live, maxUpload }: AppParts): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use((_req, res, next) => {
    res.set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'");
    res.set("X-Content-Type-Options", "nosniff");
    next();
  });

  app.post("/photos", async (req, res) => {
    const id = randomUUID();
    try {
      const name = uploadName(req.query.name);
      // Dispatched before the body is read: with a full queue, or while the process shuts down, this throws at once, and
      // Express answers 503 with Retry-After. It need not be undone when the upload turns out bad: see `runIf`.
      const task = offloader.offloadAfterResponse(res, "optimizeImage", { folder: photos.folder(id) });
      const photo = await photos.add(id, name, task.id, (path) => receiveUpload(req, path, maxUpload));
      res
        .status(202)
        .location(`/photos/${id}`)
        .json({ url: `/photos/${id}`, ...photo });
    } catch (error) {
      if (!(error instanceof BadUpload)) throw error;
      // Most senders look for an answer only once they have sent everything.
      req.resume();
      res.status(error.status).json({ error: error.message });
    }
  });

  app.get("/photos", (_req, res) => {
    res.json(photos.list());
  });

  app.get("/photos/:id", (req, res) => {
    const photo = photos.get(req.params.id);
    if (photo) res.json(photo);
    else res.status(404).json({ error: "There is no photo of this id." });
  });

  app.get("/photos/:id/original", (req, res, next) => {
    const photo = photos.get(req.params.id);
    if (photo) res.type(photo.type).sendFile("original", { root: photos.folder(photo.id) });
    else next();
  });

  app.get("/photos/:id/:file", (req, res, next) => {
    const photo = photos.get(req.params.id);
    // Only names that the tasks made: what the sender writes never becomes a path.
    const variant = photo?.image?.variants.find(({ file }) => file === req.params.file);
    if (photo && variant) res.sendFile(variant.file, { root: photos.folder(photo.id), maxAge: "1y", immutable: true });
    else next();
  });

  app.get("/events", (_req, res) => {
    live.add(res, "hello", { photos: photos.list().slice(0, 100), pool: poolState(offloader, photos), maxUpload });
  });

  // What waits, runs and fails, for whoever runs this server. Not for those who send photos: only from this machine.
  app.use("/tasks", dashboard(offloader, { access: "local", progress: partDone }));

  app.get("/thumbhash.js", (_req, res) => res.sendFile(thumbhashScript));
  app.use("/samples", express.static(sampleDir));
  app.use(express.static(publicDir));
  return app;
}

/** Of the files of a photo, how many are written, from 0 to 1. */
function partDone(progress: unknown): number {
  const { variants, planned } = progress as OptimizedImage;
  return variants.length / planned;
}

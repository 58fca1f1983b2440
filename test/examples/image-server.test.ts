// The image server over HTTP, without a browser: what it takes, what it refuses, what it leaves on the disk.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Program, startProgram } from "../support/process.js";
import {
  astronaut,
  chelsea,
  ended,
  expectWholePhotos,
  filesIn,
  newDataDir,
  type Photo,
  serverEvents,
  startImageServer,
  upload,
} from "./image-server.js";

describe("a good upload", () => {
  it("is answered at once, and every variant follows", async () => {
    const dataDir = newDataDir();
    const { url } = await startImageServer({ DATA_DIR: dataDir });
    const events = serverEvents(url);
    expect((await events.next()).value).toMatchObject({ event: "hello", data: { photos: [] } });

    const answer = await upload(url, astronaut, "Eileen <b>Collins.png");
    const photo = (await answer.json()) as Photo;
    expect(answer.status).toBe(202);
    expect(answer.headers.get("Location")).toBe(`/photos/${photo.id}`);
    expect(photo).toMatchObject({
      url: `/photos/${photo.id}`,
      name: "Eileen <b>Collins.png",
      bytes: astronaut.length,
      type: "image/png",
      state: "waiting",
    });

    const done = await ended(events, photo.id);
    expect(done).toMatchObject({ state: "done", image: { width: 512, height: 512, planned: 9 } });
    expect(await (await fetch(`${url}/photos/${photo.id}`)).json()).toEqual(done);
    await expectWholePhotos(dataDir, 1);
    for (const { file, bytes } of done.image?.variants ?? []) {
      const variant = await fetch(`${url}/photos/${photo.id}/${file}`);
      expect(variant.headers.get("Content-Type")).toMatch(/^image\/(avif|webp|jpeg)$/);
      expect(await variant.arrayBuffer()).toHaveProperty("byteLength", bytes);
    }
  });

  it.each([
    ["a greyscale PNG", () => sharp(chelsea).greyscale().png().toBuffer()],
    ["a PNG of 16 bits with alpha", () => sharp(chelsea).ensureAlpha(0.5).toColourspace("rgb16").png().toBuffer()],
    ["a CMYK JPEG", () => sharp(chelsea).toColourspace("cmyk").jpeg().toBuffer()],
    ["a GIF", () => sharp(chelsea).gif().toBuffer()],
    ["a WebP", () => sharp(chelsea).webp().toBuffer()],
    ["an AVIF", () => sharp(chelsea).avif({ effort: 0 }).toBuffer()],
    ["a picture of one pixel", () => sharp(chelsea).resize(1, 1).png().toBuffer()],
  ])("may be %s", async (_kind, make) => {
    const { url } = shared;
    const events = serverEvents(url);
    await events.next();
    const { id } = (await (await upload(url, await make())).json()) as Photo;
    expect(await ended(events, id)).toMatchObject({ name: "photo", state: "done" });
  });

  it("is turned upright when the camera was not", async () => {
    const { url } = shared;
    const events = serverEvents(url);
    await events.next();
    const lying = await sharp(chelsea).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const { id } = (await (await upload(url, lying)).json()) as Photo;
    const { image } = await ended(events, id);
    expect(image).toMatchObject({ width: 300, height: 451 });
    expect(image?.variants.map(({ width }) => width)).toEqual([160, 160, 160, 300, 300, 300]);
  });
});

describe("a bad upload is refused with the reason, and leaves nothing", () => {
  it.each([
    ["no image", 415, "not an image", () => Buffer.from("%PDF-1.7 and so on, for more than the first sixteen bytes")],
    ["an SVG", 415, "not an image", () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>')],
    ["shorter than any signature", 415, "not an image", () => Buffer.from("GI")],
    ["empty", 400, "empty", () => Buffer.alloc(0)],
    ["too large by its Content-Length", 413, "larger than 1 MB", () => Buffer.concat([astronaut, astronaut])],
    ["too large, told by no header", 413, "larger than 1 MB", () => streamOf([astronaut, astronaut, astronaut])],
  ])("%s", async (_kind, status, reason, body) => {
    await expectRefusal(() => upload(shared.url, body(), "photo.png"), status, reason);
  });

  it.each([
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "C:\\photo.png",
    "a\0b.png",
    "line\nbreak.png",
    "exe.\u202egnp",
    "",
  ])("the name %j", async (name) => {
    await expectRefusal(() => upload(shared.url, chelsea, name), 400, "The name must");
  });

  it("two names", async () => {
    await expectRefusal(
      () => fetch(`${shared.url}/photos?name=a.png&name=b.png`, { method: "POST", body: chelsea }),
      400,
      "The name must be given once",
    );
  });

  it("a sender who is gone half-way", async () => {
    const { port, dataDir } = shared;
    const before = await filesIn(dataDir);
    const socket = await beginUpload(port, astronaut.length);
    socket.write(astronaut.subarray(0, 100_000));
    await vi.waitFor(async () => expect(await filesIn(dataDir)).not.toEqual(before), { timeout: 10_000 });
    socket.destroy();
    await vi.waitFor(async () => expect(await filesIn(dataDir)).toEqual(before), { timeout: 10_000 });
  });
});

describe("a bad upload that only decoding can find fails its task, says why, and leaves nothing", () => {
  it.each([
    ["a PNG cut in half", "damaged", async () => astronaut.subarray(0, astronaut.length / 2)],
    ["a JPEG cut in half", "damaged", async () => half(await sharp(astronaut).jpeg().toBuffer())],
    ["a WebP cut in half", "damaged", async () => half(await sharp(astronaut).webp().toBuffer())],
    ["an AVIF cut in half", "damaged", async () => half(await sharp(astronaut).avif({ effort: 0 }).toBuffer())],
    ["a signature and noise", "damaged", async () => Buffer.concat([chelsea.subarray(0, 8), Buffer.alloc(5000, 7)])],
    ["400 million pixels in 60 kB", "more than 50 million pixels", async () => bomb(20_000)],
  ])("%s", async (_kind, reason, make) => {
    const { url, dataDir } = shared;
    const before = await filesIn(dataDir);
    const events = serverEvents(url);
    await events.next();
    const answer = await upload(url, await make());
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as Photo;
    expect(await ended(events, id)).toMatchObject({ state: "failed", error: expect.stringContaining(reason) });
    expect(await filesIn(dataDir)).toEqual(before);
    expect((await fetch(`${url}/photos/${id}/original`)).status).toBe(404);
  });
});

describe("the server", () => {
  it("answers 503 with Retry-After before an upload is sent when the queue is full, and takes the next one after", async () => {
    const dataDir = newDataDir();
    const { url, port } = await startImageServer({ DATA_DIR: dataDir, QUEUE_MAX: "1" });
    const events = serverEvents(url);
    await events.next();
    const first = await beginUpload(port, chelsea.length);

    const refused = await upload(url, astronaut, "second.png");
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);

    first.write(chelsea);
    const [answer] = (await once(first, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 202 /);
    first.destroy();
    await ended(events, /\/photos\/([\w-]+)/.exec(answer.toString())?.[1] ?? "");
    const third = await upload(url, astronaut, "third.png");
    expect(third.status).toBe(202);
    await ended(events, ((await third.json()) as Photo).id);
    await expectWholePhotos(dataDir, 2);
  });

  it("finishes what a killed process left", async () => {
    const dataDir = newDataDir();
    const killed = await startImageServer({ DATA_DIR: dataDir });
    const events = serverEvents(killed.url);
    await events.next();
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload(killed.url, astronaut)));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(202));
    await beginUpload(killed.port, astronaut.length);
    for await (const { event, data } of events) if (event === "photo" && (data as Photo).state === "working") break;
    killed.kill("SIGKILL");
    await killed.exited;

    const { url } = await startImageServer({ DATA_DIR: dataDir });
    await vi.waitFor(
      async () => {
        const photos = (await (await fetch(`${url}/photos`)).json()) as Photo[];
        expect(photos.map(({ state }) => state)).toEqual(Array(6).fill("done"));
      },
      { timeout: 25_000, interval: 200 },
    );
    await expectWholePhotos(dataDir, 6);
    // Nothing is left of the upload that was cut off.
    expect(await filesIn(dataDir)).not.toContainEqual(expect.stringMatching(/^journal.dead-letters./));
  });

  it("says that it is alive and ready", async () => {
    expect((await fetch(`${shared.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${shared.url}/readyz`)).status).toBe(200);
  });

  it.each([
    "/photos/..%2f..%2fpackage.json",
    "/samples/..%2f..%2fpackage.json",
    "/photos/nobody",
    "/photos/nobody/320.avif",
    "/photos/nobody/original",
  ])("has no %s", async (path) => {
    expect((await fetch(shared.url + path)).status).toBe(404);
  });

  it("says what to do when its port is taken, and when PORT is no port", async () => {
    const env = { DATA_DIR: newDataDir(), PORT: String(shared.port) };
    const taken = await startProgram("examples/image-server/main.ts", { env, ready: /PORT=3001 npm start/ });
    expect(await taken.exited).toMatchObject({ code: 1 });
    const wrong = await startProgram("examples/image-server/main.ts", {
      env: { ...env, PORT: "http" },
      ready: /^PORT must be a whole number from 0 to 65535, and is "http"\.$/m,
    });
    expect(await wrong.exited).toMatchObject({ code: 1, stderr: expect.not.stringContaining("    at ") });
  });
});

/** One server for all tests that leave nothing. */
const shared = { url: "", port: 0, dataDir: "" };

beforeAll(async () => {
  const dataDir = newDataDir();
  const { url, port }: Program = await startImageServer({ DATA_DIR: dataDir, MAX_UPLOAD_MB: "1" });
  Object.assign(shared, { url, port, dataDir });
});

async function expectRefusal(send: () => Promise<Response>, status: number, reason: string): Promise<void> {
  const before = await filesIn(shared.dataDir);
  const answer = await send();
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ error: expect.stringContaining(reason) });
  expect(await filesIn(shared.dataDir)).toEqual(before);
}

/** An upload whose head is read and whose task is dispatched: Node answers 100 and calls the handler in one go. */
async function beginUpload(port: number, length: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`POST /photos HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  return socket;
}

function streamOf(chunks: Buffer[]): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
}

function half(file: Buffer): Buffer {
  return file.subarray(0, file.length / 2);
}

/** A whole, valid PNG of `side` x `side` black pixels of one bit. */
function bomb(side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = Buffer.alloc((Math.ceil(side / 8) + 1) * side);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

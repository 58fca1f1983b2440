// SIGTERM in the middle of an upload load: every photo that was answered with 202 ends as a whole set of files.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  astronaut,
  chelsea,
  expectWholePhotos,
  newDataDir,
  type Photo,
  serverEvents,
  startImageServer,
  upload,
} from "./image-server.js";

it("finishes 20 uploaded photos after a SIGTERM in the middle of the work, and exits 0", {
  timeout: 180_000,
}, async () => {
  const dataDir = newDataDir();
  // A busy machine takes long over 20 photos; what is shown is that they are waited for.
  const server = await startImageServer({ DATA_DIR: dataDir, SHUTDOWN_TIMEOUT_MS: "150000" });
  const events = serverEvents(server.url);
  await events.next();
  // An open page, which must neither keep the process nor be cut off.
  const page = await fetch(`${server.url}/events`);

  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => upload(server.url, i % 2 ? astronaut : chelsea)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
  const photos = (await Promise.all(answers.map((answer) => answer.json()))) as Photo[];
  for await (const { event, data } of events) if (event === "photo" && (data as Photo).state === "done") break;
  server.kill("SIGTERM");
  const unfinished = photos.filter(({ id }) => !existsSync(join(dataDir, "photos", id, "result.json")));
  expect(unfinished.length).toBeGreaterThan(10);

  const exit = await server.exited;
  expect(exit).toMatchObject({ code: 0, signal: null });
  expect(exit.stderr).toContain('"forcedSockets":0');
  expect(await page.text()).toContain("event: stopping");
  await expectWholePhotos(dataDir, 20);
});

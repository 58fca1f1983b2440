// An image server: photos are answered at once and optimised after the response. Start it with `npm start`.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { announcePool } from "./announce.js";
import { createApp } from "./app.js";
import { follow } from "./follow.js";
import { followElsewhere } from "./follow-elsewhere.js";
import { Live } from "./live.js";
import { createImageOffloader } from "./offloader.js";
import { Photos } from "./photos.js";
import { readSettings, type Settings } from "./settings.js";

async function main(): Promise<void> {
  const settings = readSettings();
  const live = new Live();
  const photos = await Photos.open(settings.dataDir, (photo) => live.send("photo", photo));
  const offloader = createImageOffloader(settings, "dispatch");
  // Before the tasks that a killed process left come back from the journal.
  follow(offloader, photos);
  const announce = announcePool(offloader, photos, live, settings.shutdownTimeout);
  if (settings.redisUrl !== undefined) followElsewhere(offloader, photos, announce);
  // Fails here, with the module's own error, if the tasks cannot be loaded; not at the first upload.
  await offloader.ready();

  const app = createApp({ offloader, photos, live, maxUpload: settings.maxUpload });
  const server = createServer(app);
  const shutdown = offloader.shutdownOnSignals(server, { timeout: settings.shutdownTimeout });
  app.get("/healthz", shutdown.liveness);
  app.get("/readyz", shutdown.readiness);

  server.listen(settings.port, settings.host);
  await once(server, "listening");
  console.log(welcome(server.address() as AddressInfo, settings));
}

function welcome({ address, family, port }: AddressInfo, settings: Settings): string {
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  const sample = fromHere(fileURLToPath(new URL("../photos/astronaut.png", import.meta.url)));
  return `
Image server on ${url}

  Open it in a browser and drop some photos, or send one from another terminal:

    curl --data-binary @${sample} "${url}/photos?name=astronaut.png"

  The answer comes at once; the variants follow in ${fromHere(settings.dataDir)}.
  Ctrl-C takes no more uploads, finishes the photos in work, and exits.
`;
}

function fromHere(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
}

main().catch((error: NodeJS.ErrnoException) => {
  if (error.code === "EADDRINUSE") console.error("The port is taken. Choose another one: PORT=3001 npm start");
  else console.error(error instanceof RangeError ? error.message : error);
  process.exit(1);
});

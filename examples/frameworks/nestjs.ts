// NestJS on Express: `@Res()` is the response, and afterEachResponse is middleware.
import { setImmediate as pause } from "node:timers/promises";
import { Controller, HttpCode, Param, Post, Res } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { Response } from "express";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachResponse } = offloader;

class Photos {
  // @Post("photos/:name") @HttpCode(202) add(@Param("name") name: string, @Res({ passthrough: true }) res: Response)
  add(name: string, res: Response): void {
    offloadAfterResponse(res, "makeThumbnail", { photo: name });
  }
  // @Post("albums/:name") @HttpCode(202) addAlbum(@Param("name") name: string); the response is found, after awaits too
  async addAlbum(name: string): Promise<void> {
    await pause();
    offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
  }
}

// The decorators as calls: their syntax needs `experimentalDecorators`, which this repository does not turn on.
for (const [method, path] of Object.entries({ add: "photos/:name", addAlbum: "albums/:name" })) {
  const descriptor = Object.getOwnPropertyDescriptor(Photos.prototype, method);
  Reflect.decorate([Post(path), HttpCode(202)], Photos.prototype, method, descriptor);
  Param("name")(Photos.prototype, method, 0);
}
Res({ passthrough: true })(Photos.prototype, "add", 1);
Reflect.decorate([Controller()], Photos);

const app = await NestFactory.create({ module: class App {}, controllers: [Photos] }, { logger: ["error", "warn"] });
app.use(afterEachResponse((req, _res, { kind, statusCode }) => console.log(req.method, req.url, kind, statusCode)));
await offloader.ready();
const server = await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
console.log(`listening ${server.address().port}`);
offloader.shutdownOnSignals(server, { hooks: [() => app.close()] });

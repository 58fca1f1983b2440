// With NestJS: enableShutdownHooks() has the signals; onApplicationShutdown comes when Nest has closed the server, so that the
// last requests may still dispatch.
import "reflect-metadata";
import type { AddressInfo } from "node:net";
import { Module, type OnApplicationShutdown } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { Request, Response } from "express";
import { offloader } from "./offloader.js";

@Module({})
class AppModule implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await offloader.close({ timeout: 20_000 });
  }
}

// Without forceCloseConnections an idle keep-alive connection holds Nest's shutdown up.
const app = await NestFactory.create(AppModule, { forceCloseConnections: true, logger: ["error", "warn"] });
app.enableShutdownHooks();
app.getHttpAdapter().post("/notes/:text", (req: Request<{ text: string }>, res: Response) => {
  offloader.offloadAfterResponse(res, "note", { text: req.params.text });
  res.status(202).end();
});

await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
console.log(`listening ${(app.getHttpServer().address() as AddressInfo).port}`);

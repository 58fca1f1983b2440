import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.js";
import { type AppOffloader, OFFLOADER } from "./offloader.js";

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
const server = await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
// In place of app.enableShutdownHooks(): the hooks of the modules run when every task has ended.
app.get<AppOffloader>(OFFLOADER).shutdownOnSignals(server, { hooks: [() => app.close()] });

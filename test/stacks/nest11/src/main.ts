import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module";
import { type AppOffloader, OFFLOADER } from "./offloader";

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
  const server = await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
  app.get<AppOffloader>(OFFLOADER).shutdownOnSignals(server, { hooks: [() => app.close()] });
}
void bootstrap();

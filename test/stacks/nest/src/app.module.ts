import { Controller, Get, HttpCode, Inject, Module, Param, Post, Res } from "@nestjs/common";
import type { Response } from "express";
import { type AppOffloader, OFFLOADER, offloaderProvider } from "./offloader.js";

@Controller()
export class AppController {
  constructor(@Inject(OFFLOADER) private readonly offloader: AppOffloader) {}

  @Get()
  ok() {
    return "ok";
  }

  @Post("work/:n")
  @HttpCode(202)
  work(@Param("n") n: string, @Res({ passthrough: true }) res: Response) {
    this.offloader.offloadAfterResponse(res, "write", { n });
  }

  @Post("found/:n")
  @HttpCode(202)
  found(@Param("n") n: string) {
    this.offloader.offloadAfterResponse("write", { n }); // the response is found
  }
}

@Module({ controllers: [AppController], providers: [offloaderProvider], exports: [offloaderProvider] })
export class AppModule {}

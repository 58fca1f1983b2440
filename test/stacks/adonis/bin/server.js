import { Ignitor } from "@adonisjs/core";

const root = new URL("../", import.meta.url);
await new Ignitor(root, { importer: (file) => import(file.startsWith(".") ? new URL(file, root).href : file) })
  .httpServer()
  .start();

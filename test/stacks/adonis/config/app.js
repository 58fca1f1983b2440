import { defineConfig } from "@adonisjs/core/http";

export const appKey = "a key that has at least thirty-two characters";
export const http = defineConfig({});

import { defineConfig, drivers } from "@adonisjs/core/encryption";

export default defineConfig({
  default: "aes",
  list: { aes: drivers.aes256gcm({ id: "a", keys: ["a key that has at least thirty-two characters"] }) },
});

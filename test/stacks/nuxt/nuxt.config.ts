export default defineNuxtConfig({
  compatibilityDate: "2026-01-01",
  nitro: { externals: { external: ["offload-after-response"] } },
});

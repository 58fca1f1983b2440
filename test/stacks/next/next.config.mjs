export default {
  serverExternalPackages: ["offload-after-response"],
  outputFileTracingIncludes: { "/**": ["./workers/**/*"] },
  output: process.env.STANDALONE ? "standalone" : undefined,
};

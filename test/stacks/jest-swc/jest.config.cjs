// NestJS 11's default runs Jest in CommonJS, as this does.
module.exports = {
  testEnvironment: "node",
  transform: {
    "\\.ts$": [
      require.resolve("@swc/jest"),
      { jsc: { parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
};

export default {
  test: {
    include: ["*.check.mjs"],
    globals: true,
    setupFiles: ["./setup.mjs"],
    server: { deps: { external: [/\/dist\//] } },
  },
};

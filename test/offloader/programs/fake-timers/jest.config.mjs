export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/*.check.mjs"],
  transform: {},
  watchman: false,
  fakeTimers: { enableGlobally: true, now: 0 },
};

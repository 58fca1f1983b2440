const presets = [
  [require.resolve("@babel/preset-env"), { targets: { node: "current" } }],
  require.resolve("@babel/preset-typescript"),
];
module.exports = { testEnvironment: "node", transform: { "\\.ts$": [require.resolve("babel-jest"), { presets }] } };

// pm2 start pm2/ecosystem.config.cjs; later: pm2 reload orders     (in examples/deploy)
module.exports = {
  apps: [
    {
      name: "orders",
      script: "server.js",
      cwd: `${__dirname}/../app`,
      // The processes share one listener, so that a reload leaves no gap: PM2 starts the new one first.
      exec_mode: "cluster",
      instances: 2,
      // Until the program says "ready", the old process stays.
      wait_ready: true,
      listen_timeout: 10_000,
      // From SIGINT to SIGKILL, in ms. The default is 1,600. The program reads it itself, from its environment.
      kill_timeout: 30_000,
      // Signals go to the process alone, not to the programs that its tasks have started.
      treekill: false,
      env: {
        NODE_ENV: "production",
        PORT: "3000",
        SHUTDOWN_TIMEOUT_MS: "25000",
      },
    },
  ],
};

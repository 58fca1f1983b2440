// A worker process that takes one task and is killed.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { connect } = require("../../../../dist/offload-after-response-pg-boss.cjs");
const client = connect(JSON.parse(process.argv[2]));
client.open({ state() {} });
client.consume(() => process.kill(process.pid, "SIGKILL")).grant(1);

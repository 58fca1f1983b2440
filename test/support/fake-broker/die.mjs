// A worker process that takes one task and is killed.
import { connect } from "./client.mjs";

const [port, queue] = process.argv.slice(2);
const client = connect({ port: Number(port), queue, dies: true });
client.open({ state: () => {} });
client.consume(() => {}).grant(1);

// A route that has the offloader beside it, and passes no response.
const { setImmediate: turn } = require("node:timers/promises");
const { createOffloader } = require("offload-after-response");

const tasks = new URL("data:text/javascript,export function nothing() {}");
const offloader = createOffloader({ tasks, pool: { maxThreads: 1 } });
offloader.on("succeeded", ({ task }) => console.log(`succeeded ${task}`));

exports.handle = async (_req, res) => {
  await turn();
  try {
    offloader.offloadAfterResponse("nothing");
    res.end("accepted");
  } catch (error) {
    res.end(`${error.code}: ${error.message}`);
  }
};

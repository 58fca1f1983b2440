// A server that loads its route at the first request, as frameworks do, and the offloader with it. The first argument says how.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const load = {
  /** Nothing is awaited before the route is called. */
  require: () => require("./route.cjs"),
  import: async () => (await import("./route.cjs")).default,
};

const server = createServer(async (req, res) => {
  const loaded = load[process.argv[2]]();
  const { handle } = loaded instanceof Promise ? await loaded : loaded;
  await handle(req, res);
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));

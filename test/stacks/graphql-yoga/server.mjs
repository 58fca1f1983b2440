import { createServer } from "node:http";
import { createSchema, createYoga } from "graphql-yoga";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

const schema = createSchema({
  typeDefs: "type Query { ok: Boolean } type Mutation { work(n: Int!): Boolean found(n: Int!): Boolean }",
  resolvers: {
    Mutation: {
      work: (_parent, { n }, { res }) => Boolean(offloader.offloadAfterResponse(res, "write", { n })),
      found: (_parent, { n }) => Boolean(offloader.offloadAfterResponse("write", { n })), // the response is found
    },
  },
});
const server = createServer(createYoga({ schema, graphqlEndpoint: "/" }));
server.listen(process.env.PORT, "127.0.0.1");
offloader.shutdownOnSignals(server);

import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

const apollo = new ApolloServer({
  typeDefs: "type Query { ok: Boolean } type Mutation { work(n: Int!): Boolean found(n: Int!): Boolean }",
  resolvers: {
    Mutation: {
      work: (_parent, { n }, { res }) => Boolean(offloader.offloadAfterResponse(res, "write", { n })),
      found: (_parent, { n }) => Boolean(offloader.offloadAfterResponse("write", { n })), // the response is found
    },
  },
});
offloader.shutdownOnSignals(undefined, { hooks: [() => apollo.stop()] });
await startStandaloneServer(apollo, {
  listen: { port: Number(process.env.PORT), host: "127.0.0.1" },
  context: async ({ res }) => ({ res }),
});

import { defineEventHandler } from "h3";
import { offloader } from "../../utils/offloader.mjs";

export default defineEventHandler((event) => {
  offloader.offloadAfterResponse(event, "write", { n: event.context.params.n });
  return { accepted: true };
});

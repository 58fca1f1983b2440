import { offloader } from "../../offloader.js";

export function POST({ params }) {
  offloader.offloadAfterResponse("write", { n: params.n }); // the response is found
  return Response.json({ accepted: true }, { status: 202 });
}

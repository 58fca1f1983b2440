import { json } from "@sveltejs/kit";
import { offloader } from "../../../offloader.js";

export function POST({ params }) {
  offloader.offloadAfterResponse("write", { n: params.n }); // the response is found
  return json({ accepted: true }, { status: 202 });
}

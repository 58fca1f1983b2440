import { offloader } from "../offloader.server";

export function action({ params }) {
  offloader.offloadAfterResponse("write", { n: params.n }); // the response is found
  return Response.json({ accepted: true }, { status: 202 });
}

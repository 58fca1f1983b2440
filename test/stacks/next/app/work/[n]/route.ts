import { offloader } from "../../../offloader";

export async function POST(_request: Request, { params }: { params: Promise<{ n: string }> }) {
  offloader.offloadAfterResponse("write", { n: (await params).n }); // the response is found
  return Response.json({ accepted: true }, { status: 202 });
}

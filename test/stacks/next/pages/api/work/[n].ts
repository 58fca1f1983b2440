import type { NextApiRequest, NextApiResponse } from "next";
import { offloader } from "../../../offloader";

export default function handler(req: NextApiRequest, res: NextApiResponse) {
  offloader.offloadAfterResponse(res, "write", { n: String(req.query.n) });
  res.status(202).json({ accepted: true });
}

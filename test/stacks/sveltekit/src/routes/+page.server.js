import { offloader } from "../offloader.js";

export const actions = {
  async default({ request }) {
    const form = await request.formData();
    offloader.offloadAfterResponse("write", { n: form.get("n") });
  },
};

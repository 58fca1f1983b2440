import { offloader } from "../offloader";

async function save(form: FormData) {
  "use server";
  offloader.offloadAfterResponse("write", { n: String(form.get("n")) });
}

export default function Page() {
  return (
    <form action={save}>
      <input name="n" />
    </form>
  );
}

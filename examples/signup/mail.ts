// A stand-in for a mail service: each mail is a file in data/outbox. Put your own transport here.
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const dataDir = process.env.DATA_DIR || fileURLToPath(new URL("data", import.meta.url));

export async function sendMail(mail: { to: string; subject: string; text: string; sendAt?: Date }): Promise<void> {
  const outbox = join(dataDir, "outbox");
  await mkdir(outbox, { recursive: true });
  await writeFile(join(outbox, `${randomUUID()}.json`), JSON.stringify(mail, undefined, 2));
}

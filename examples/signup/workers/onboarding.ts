// The tasks of a sign-up. They run in worker threads, so they may compute as long as they need.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { User } from "../app.js";
import { dataDir, sendMail } from "../mail.js";

const campaign = [
  { day: 1, subject: "Three things to try first" },
  { day: 4, subject: "What others build" },
  { day: 10, subject: "How is it going?" },
];

/** Hands the mails of the first days to the mail service, each with its date. */
export async function startDripCampaign({ user }: { user: User }): Promise<void> {
  for (const { day, subject } of campaign) {
    const sendAt = new Date(Date.now() + day * 86_400_000);
    await sendMail({ to: user.email, subject, text: `Day ${day} with your example projects.`, sendAt });
  }
}

/** Fills the new account with projects that look alive: a year of made-up measurements each. */
export async function createExampleProjects({ user }: { user: User }): Promise<void> {
  const folder = join(dataDir, "projects", user.id);
  await mkdir(folder, { recursive: true });
  for (const name of ["Weather station", "Web shop", "Wind farm"]) {
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ name, hours: randomWalk(24 * 365) }));
  }
}

function randomWalk(length: number): number[] {
  let value = 0;
  return Array.from({ length }, () => {
    value += Math.random() - 0.5;
    return value;
  });
}

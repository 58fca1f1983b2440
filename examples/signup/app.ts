// Signing up: the user is created before the answer, and everything else happens after it.
import { randomUUID } from "node:crypto";
import express from "express";
import { sendMail } from "./mail.js";
import { afterEachResponse, offloadAfterResponse, runAfterResponse } from "./offloader.js";

export interface User {
  id: string;
  email: string;
}

const users = new Map<string, User>();
const statistics = { signups: 0, requests: 0 };

export const app = express();
app.use(express.json());

app.use(
  afterEachResponse(() => {
    statistics.requests += 1;
  }),
);

app.post("/signup", (req, res) => {
  const email: unknown = req.body?.email;
  if (typeof email !== "string" || !email.includes("@") || users.has(email)) {
    res.status(400).json({ error: "email must be an e-mail address that has not signed up yet" });
    return;
  }
  const user: User = { id: randomUUID(), email };
  users.set(email, user);

  // Callbacks wait for other machines or take no time: they run here, on the main thread.
  runAfterResponse(res, function welcomeMail() {
    return sendMail({ to: email, subject: "Welcome", text: "Your account is ready." });
  });
  runAfterResponse(res, function signupStatistics() {
    statistics.signups += 1;
  });

  // Tasks compute: they run on worker threads.
  offloadAfterResponse(res, "startDripCampaign", { user });
  offloadAfterResponse(res, "createExampleProjects", { user });

  res.status(201).json(user);
});

app.get("/statistics", (_req, res) => {
  res.json(statistics);
});

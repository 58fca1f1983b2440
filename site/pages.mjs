// The pages of the site, in the order of the sidebar. Every document of docs/ has to be in it.

/** Title of each group, and the documents in it, by their path in docs/. `index` is the README. */
export const groups = [
  [
    "Begin",
    [
      "index",
      "after-the-response",
      "tasks-and-payloads",
      "threads-and-limits",
      "errors",
      "files-and-streams",
      "recipes",
      "is-it-worth-it",
    ],
  ],
  [
    "Run it",
    [
      "production-checklist",
      "at-3-am",
      "shutdown",
      "journal",
      "observability",
      "dashboard",
      "testing",
      "beyond-one-machine",
    ],
  ],
  [
    "Deploy",
    [
      "deploy/README",
      "deploy/kubernetes",
      "deploy/docker",
      "deploy/systemd",
      "deploy/pm2",
      "deploy/heroku",
      "deploy/fly",
      "deploy/cloud-run",
    ],
  ],
  ["Use it with", ["frameworks", "bundlers", "coming-from"]],
  ["Look it up", ["states", "events", "life-of-a-task", "glossary", "journal-format", "performance"]],
];

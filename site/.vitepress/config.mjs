// The site: VitePress over the staged documents, with a search that needs no server.
import { readFileSync } from "node:fs";
import path from "node:path";
import { groups } from "../pages.mjs";

const pages = path.join(import.meta.dirname, "../.pages");

/** The title of a page is its first heading. */
function titleOf(name) {
  if (name === "index") return "Start here";
  const heading = /^# (.+)$/m.exec(readFileSync(path.join(pages, `${name}.md`), "utf8"));
  if (heading === null) throw new Error(`docs/${name}.md has no heading`);
  return heading[1].replaceAll("`", "");
}

const linkTo = (name) => `/${name.replace(/(^|\/)(index|README)$/, "$1")}`;

export default {
  title: "offload-after-response",
  description: "Work that the user should not wait for: after the response, on worker threads, drained on SIGTERM.",
  srcDir: ".pages",
  outDir: "dist",
  cleanUrls: true,
  rewrites: { "deploy/README.md": "deploy/index.md" },
  markdown: { theme: { light: "github-light-high-contrast", dark: "github-dark" } },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start here", link: "/" },
      { text: "Shutting down", link: "/shutdown" },
      { text: "API", link: "/api/" },
    ],
    sidebar: [
      ...groups.map(([text, names]) => ({
        text,
        items: names.map((name) => ({ text: titleOf(name), link: linkTo(name) })),
      })),
      { text: "API", items: [{ text: "All names", link: "/api/" }] },
    ],
  },
};

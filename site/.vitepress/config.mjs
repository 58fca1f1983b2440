// The site: VitePress over the staged documents, with a search that needs no server.
import { readFileSync } from "node:fs";
import path from "node:path";
import { slugify } from "../links.mjs";
import { groups } from "../pages.mjs";
import { pages, staged } from "../stage.mjs";

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="6" rx="2" fill="#0969da"/><rect x="5" y="9" width="11" height="6" rx="2" fill="#1a7f37"/></svg>';

/** The title of a page is its first heading. */
function titleOf(name) {
  if (name === "index") return "Start here";
  const heading = /^# (.+)$/m.exec(readFileSync(path.join(pages, staged(`${name}.md`)), "utf8"));
  if (heading === null) throw new Error(`docs/${name}.md has no heading`);
  return heading[1].replaceAll("`", "");
}

/** Each entry of the package has a page in the API reference. */
function entries() {
  const text = readFileSync(path.join(pages, "api/index.md"), "utf8");
  return [...text.matchAll(/^- \[(.+)\]\((.+?)index\.md\)$/gm)].map(([, name, folder]) => {
    return { text: name, link: `/api/${folder}` };
  });
}

const linkTo = (name) => `/${name.replace(/(^|\/)(index|README)$/, "$1")}`;

export default {
  title: "offload-after-response",
  description: "Work that the user should not wait for: after the response, on worker threads, drained on SIGTERM.",
  srcDir: ".pages",
  outDir: "dist",
  cleanUrls: true,
  // A name of the API stands in no row, so nothing comes before or after it.
  transformPageData: ({ relativePath, frontmatter }) => {
    if (relativePath.startsWith("api/")) Object.assign(frontmatter, { prev: false, next: false });
  },
  // Without an icon of its own the browser asks for one that does not exist.
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify },
    // A Procfile is read as YAML is.
    languageAlias: { procfile: "yaml" },
  },
  // The index of the search and the parts of Mermaid are large, and loaded when they are needed.
  vite: { build: { chunkSizeWarningLimit: 1_500 } },
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
      { text: "API", items: entries() },
    ],
  },
};

// Every link of the built site to a page of its own leads to a page that exists, and to a heading where it names one. VitePress looks at
// the pages alone.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * The anchor of a heading as GitHub makes it, so that a link works in the repository and on the site.
 *
 * @param heading its text, without marks
 */
export function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/**
 * Throws with the links that lead nowhere.
 *
 * @param folder the built site
 */
export function checkLinks(folder) {
  const files = readdirSync(folder, { recursive: true }).filter(
    (file) => file.endsWith(".html") && file !== "404.html",
  );
  const pages = new Map(files.map((file) => [`/${file}`, readFileSync(path.join(folder, file), "utf8")]));
  const broken = [...pages].flatMap(([page, html]) =>
    linksOf(page, html)
      .filter((url) => !leadsSomewhere(url))
      .map((url) => `${page}: ${url.pathname}${url.hash}`),
  );
  if (broken.length > 0) throw new Error(`links of the site lead nowhere:\n${[...new Set(broken)].join("\n")}`);

  function leadsSomewhere({ pathname, hash }) {
    const name = decodeURIComponent(pathname);
    const html = [name, `${name}.html`, `${name}index.html`].map((file) => pages.get(file)).find(Boolean);
    if (html === undefined) return /\.[a-z]+$/.test(name) && existsSync(path.join(folder, name));
    return hash === "" || html.includes(` id="${decodeURIComponent(hash.slice(1))}"`);
  }
}

/** The links of a page to the site itself. */
function linksOf(page, html) {
  const origin = "http://site.invalid";
  const links = [...html.matchAll(/<(?:a|img)\b[^>]* (?:href|src)="([^"]+)"/g)].map(
    ([, link]) => new URL(link.replaceAll("&amp;", "&"), `${origin}${page}`),
  );
  return links.filter((url) => url.origin === origin);
}

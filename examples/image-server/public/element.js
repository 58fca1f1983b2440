// Makes DOM elements. Text is always text: nothing that a file's name contains becomes markup.

/**
 * @param {string} name the tag, with classes as in "p.meta"
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** A progress bar: `set(0.5)` is half. What it says in words stands beside it. */
export function bar() {
  const fill = element("span");
  const made = element("div.bar", { "aria-hidden": "true" }, fill);
  return {
    made,
    /** @param {number} part 0 to 1 */
    set(part) {
      fill.style.width = `${Math.round(part * 100)}%`;
    },
  };
}

/** Says something to a screen reader once. */
export function announce(text) {
  const log = document.getElementById("announcements");
  log.append(element("p", {}, text));
  while (log.children.length > 5) log.firstChild.remove();
}

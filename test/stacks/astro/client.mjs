// Astro refuses what may be the form of another site: a POST without a content type.
export function request(url, n) {
  return fetch(`${url}/work/${n}`, { method: "POST", headers: { "content-type": "application/json" } });
}

// An endpoint and a form action in turn. SvelteKit compares the origin of a form with what the proxy in front of it says.
export function request(url, n) {
  const headers = { origin: url, accept: "application/json", "x-forwarded-proto": "http" };
  if (n % 2 === 0) return fetch(`${url}/work/${n}`, { method: "POST", headers });
  return fetch(url, { method: "POST", body: new URLSearchParams({ n: String(n) }), headers });
}

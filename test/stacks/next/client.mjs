// A route handler, an API route and a server action in turn. The form of the action works without JavaScript.
export async function request(url, n) {
  if (n % 3 < 2) return fetch(`${url}${n % 3 === 0 ? "/work" : "/api/work"}/${n}`, { method: "POST" });
  const page = await (await fetch(url)).text();
  const body = new FormData();
  body.set(/name="(\$ACTION_ID_\w+)"/.exec(page)?.[1] ?? "", "");
  body.set("n", String(n));
  return fetch(url, { method: "POST", body });
}

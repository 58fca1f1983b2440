// The files of the page, which the build puts in here as texts: a bundle of an application has them too, wherever it runs.

declare const DASHBOARD_HTML: string;
declare const DASHBOARD_JS: string;
declare const DASHBOARD_CSS: string;

export interface Asset {
  readonly type: string;
  readonly text: string;
}

/** By the last segment of the path. */
export const assets: ReadonlyMap<string, Asset> = new Map([
  ["", { type: "text/html; charset=utf-8", text: DASHBOARD_HTML }],
  ["app.js", { type: "text/javascript; charset=utf-8", text: DASHBOARD_JS }],
  ["app.css", { type: "text/css; charset=utf-8", text: DASHBOARD_CSS }],
]);

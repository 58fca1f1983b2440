// dashboard(): the page of one offloader as a handler that any framework can mount. Access is looked at before anything else.

import type { IncomingMessage } from "node:http";
import { OffloadError } from "../base/errors.js";
import type { Offloader } from "../contract.js";
import { lines, write } from "../core/log/lines.js";
import { copy, type Inside, insideOf } from "../intake/inside.js";
import { perform } from "./acts.js";
import { assets } from "./assets.js";
import { answerJson, answerText, setHeaders } from "./http/answer.js";
import { type DashboardHandler, type Exchange, exchangeOf } from "./http/exchange.js";
import { isLocal, isOfOtherSite, isOwnCommand } from "./http/origin.js";
import { parseQuery, Refused, required } from "./http/query.js";
import { Live } from "./live.js";
import { type Access, checkDashboardOptions, type DashboardOptions } from "./options.js";
import { letterDetail, taskDetail } from "./see/detail.js";

/**
 * A page that shows what waits, what runs and what fails, live, and on which somebody can act. Mount it where you like: it has no
 * prefix of its own.
 *
 * @typeParam Request what the framework gives its handlers first, as in `(req: express.Request) => ...`
 * @param offloader what `createOffloader` returned
 * @param options `access` is required: who may see the page
 * @returns a handler for Express, Fastify, Koa, Hono on node-server, NestJS and node:http
 * @throws OffloadError AR_INVALID_OPTIONS, or AR_INVALID_ARGUMENT for what is no offloader of this copy of the library
 * @example
 * ```ts
 * import { dashboard } from "offload-after-response/dashboard";
 *
 * app.use("/admin/tasks", dashboard(offloader, { access: (req) => (isAdmin(req) ? "full" : false) }));
 * ```
 */
export function dashboard<Request = IncomingMessage>(
  offloader: Pick<Offloader, "name" | "snapshot" | "renewThreads">,
  options: DashboardOptions<Request>,
): DashboardHandler {
  checkDashboardOptions(options);
  const inside = theInsideOf(offloader);
  const page = new Page(offloader as Offloader, inside, options as DashboardOptions<unknown>);
  const handler = (first: object, second?: unknown): Promise<unknown> => page.handle(exchangeOf(first, second));
  return handler as DashboardHandler;
}

class Page {
  readonly #live: Live;
  readonly #warned = new Set<string>();

  constructor(
    private readonly offloader: Offloader,
    private readonly inside: Inside,
    private readonly options: DashboardOptions<unknown>,
  ) {
    this.#live = new Live({ offloader, inside, progress: options.progress }, options.signal);
  }

  /** Never rejects. */
  async handle(exchange: Exchange): Promise<Response | undefined> {
    const { res } = exchange;
    try {
      const access = await this.#accessOf(exchange);
      if (access === false) answerText(res, 403, "Forbidden");
      else await this.#answer(exchange, access);
    } catch (error) {
      if (!(error instanceof Refused)) this.inside.logger.error({ err: error }, "dashboard: a request failed");
      // What went wrong is for the log: the message of an error may hold anything.
      if (res.headersSent) res.destroy();
      else if (error instanceof Refused) answerJson(res, error.status, { error: error.message });
      else answerText(res, 500, "Internal error");
    }
    return exchange.returned;
  }

  async #accessOf({ subject, req }: Exchange): Promise<Access> {
    const { access } = this.options;
    if (access === "local") return isLocal(req) ? "full" : false;
    const given: unknown = await access(subject);
    if (given === "full" || given === "read" || given === false) return given;
    // `true` would say nothing of what somebody may do, and a forgotten `return` is no permission.
    this.#warnOnce(`dashboard: access returned ${String(given)}, expected "full", "read" or false; refused`);
    return false;
  }

  async #answer(exchange: Exchange, access: Access): Promise<void> {
    const { req, res, url } = exchange;
    const path = url.split("?", 1)[0] ?? "";
    const segment = path.slice(path.lastIndexOf("/") + 1);
    if (segment === "act") return this.#act(exchange, access);
    if (req.method !== "GET" && req.method !== "HEAD") {
      return answerText(res, 405, "Method not allowed", { Allow: "GET, HEAD" });
    }
    const asset = assets.get(segment);
    if (asset !== undefined) {
      setHeaders(res, 200, asset.type);
      return void res.end(req.method === "HEAD" ? "" : asset.text);
    }
    if (segment === "events" || segment === "task") {
      if (isOfOtherSite(req)) throw new Refused(403, "Of another site");
      return segment === "events" ? this.#events(exchange, access) : this.#task(exchange);
    }
    // Mounted without the slash at the end. Relative, because a proxy may have taken the prefix off.
    if (!/^[\w.~-]{1,200}$/.test(segment)) throw new Refused(404, "Not found");
    answerText(res, 302, "Moved", { Location: `./${segment}/` });
  }

  async #events({ req, res }: Exchange, access: Access): Promise<void> {
    if (req.method === "HEAD") return answerText(res, 200, "");
    if (await this.#live.add(res, access)) return;
    answerText(res, 503, "Too many open pages, or shut down", { "Retry-After": "5" });
  }

  async #task({ res, url }: Exchange): Promise<void> {
    const id = required(parseQuery(url, ["id"]), "id");
    const task = this.inside.find(id);
    if (task !== undefined) return answerJson(res, 200, taskDetail(task, this.options.show, this.inside.logger));
    await this.#live.letters.refresh();
    const letter = this.#live.letters.find(id);
    if (letter !== undefined) return answerJson(res, 200, letterDetail(letter));
    const group = this.#live.failures.all().find(({ ids }) => ids.includes(id));
    if (group === undefined) throw new Refused(404, "Nothing unfinished has this id, and no dead letter");
    answerJson(res, 200, { ...group, id, state: group.failed > 0 ? "failed" : "retried" });
  }

  async #act({ req, res, url }: Exchange, access: Access): Promise<void> {
    if (req.method !== "POST") return answerText(res, 405, "Method not allowed", { Allow: "POST" });
    if (!isOwnCommand(req)) throw new Refused(403, "A command has to come from the page itself");
    if (access !== "full") throw new Refused(403, "You may only look");
    const { "content-length": length = "0", "transfer-encoding": encoding } = req.headers;
    if (length !== "0" || encoding !== undefined) {
      req.resume();
      throw new Refused(400, "A command has no body");
    }
    const query = parseQuery(url, ["do", "id", "task", "count"]);
    const done = await perform(this.offloader, query);
    write(this.inside.logger, lines.acted, { ...query, done });
    await this.#live.refresh();
    answerJson(res, 200, { done });
  }

  #warnOnce(message: string): void {
    if (this.#warned.size >= 10 || this.#warned.has(message)) return;
    this.#warned.add(message);
    this.inside.logger.error({ offloader: this.offloader.name }, message);
  }
}

function theInsideOf(offloader: unknown): Inside {
  const inside = insideOf(offloader);
  if (inside?.copy === copy) return inside;
  const why =
    inside === undefined
      ? "expected what createOffloader() returned"
      : "the offloader is of another copy of this library; install or bundle both entries together";
  throw new OffloadError("AR_INVALID_ARGUMENT", `dashboard: ${why}`);
}

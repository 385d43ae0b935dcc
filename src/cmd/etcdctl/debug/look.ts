/** Asks one endpoint for everything that it tells without naming a key, a value or a secret; changes nothing. */
import type { CallOptions } from "../../../client/call-options.ts";
import type { Client } from "../../../client/client.ts";
import { Errors } from "../../../errors/table.ts";
import { bytesFromLatin1 } from "../../../stdx/bytes.ts";
import { parseEndpoint } from "../../../client/endpoint.ts";
import { textOf } from "../../byte-text.ts";
import { ToolExit } from "../../tool-exit.ts";
import { type ClientConfig, openWith } from "../client-config.ts";
import { messageOf } from "../cluster-endpoints.ts";
import { endpointPage, NOT_FOUND, type Page, shownEndpoint } from "../fetch-page.ts";
import { commandDeadlineMs, type EtcdctlCall, milliseconds, type Session } from "../session.ts";
import { readTls } from "../../tls-config.ts";
import { lookAtConnection, speaksTls } from "./connection.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { MetricsPage } from "./metrics-page.ts";
import { slowCallsOf } from "./slow-calls.ts";

/** Any key would do: what counts is that a quorum answers. */
const PROBE_KEY = bytesFromLatin1("health");

/** With what all endpoints are asked. */
export interface Look {
  readonly session: Session;
  readonly call: EtcdctlCall;
  readonly config: ClientConfig;
}

/** One endpoint while it is looked at. */
export class EndpointLook {
  readonly view: EndpointView;
  readonly #look: Look;
  readonly #endpoint: string;
  readonly #timeoutMs: number;

  /** `endpoint` is ordinary text. */
  constructor(look: Look, endpoint: string, isGiven: boolean) {
    this.#look = look;
    this.#endpoint = endpoint;
    this.#timeoutMs = milliseconds(look.call.flags.getInteger("command-timeout"));
    const { security } = parseEndpoint(endpoint);
    const hasTls = readTls(look.config.tls) !== undefined;
    const isSecure = security === "require" || (security === "optional" && hasTls);
    this.view = { endpoint: shownEndpoint(endpoint), isGiven, isSecure, failures: new Map() };
  }

  /** Asks for everything but the hash. Where there is no connection, nothing else is tried. */
  async look(): Promise<void> {
    const { view } = this;
    const { tls, dialTimeoutMs } = this.#look.config;
    const waitMs = dialTimeoutMs > 0 ? dialTimeoutMs : this.#timeoutMs;
    if (!(await lookAtConnection(view, this.#endpoint, tls, waitMs))) return;
    await Promise.all([...this.#calls(), this.#metrics(), this.#slowCalls()]);
    if (view.status !== undefined || view.isSecure) return;
    view.wantsTls = await speaksTls(this.#endpoint, tls, waitMs);
  }

  #calls(): Promise<void>[] {
    const { view } = this;
    const endpoint = this.#endpoint;
    return [
      this.#ask("status", async ({ maintenance }, options) => {
        const startMs = performance.now();
        view.status = await maintenance.status(endpoint, options);
        view.statusMs = performance.now() - startMs;
      }),
      this.#ask("members", async ({ cluster }, options) => {
        view.members = await cluster.memberList(options, false);
      }),
      this.#ask("alarms", async ({ maintenance }, options) => {
        view.alarms = await maintenance.alarmList(options);
      }),
      this.#ask("read", async ({ kv }, options) => {
        const startMs = performance.now();
        try {
          await kv.range({ key: PROBE_KEY, keysOnly: true }, options);
        } catch (error) {
          // A user without the right to read the key was refused by a cluster that works.
          if (error !== Errors.PermissionDenied) throw error;
        }
        view.readMs = performance.now() - startMs;
      }),
    ];
  }

  /** Asks for the hash of all keys at `revision`, which members can be compared by. */
  async hash(revision: number): Promise<void> {
    if (this.view.status === undefined) return;
    await this.#ask("hash", async ({ maintenance }, options) => {
      this.view.hashKv = await maintenance.hashKv(this.#endpoint, revision, options);
    });
  }

  /** Asks for the metrics again, so that there is something to compare. */
  async lookAgain(): Promise<void> {
    const { view } = this;
    if (view.metrics === undefined) return;
    view.earlierMetrics = view.metrics;
    await this.#metrics();
  }

  async #metrics(): Promise<void> {
    const { view } = this;
    const { clock } = this.#look.session;
    const sentMs = clock.wallMs();
    const page = await this.#page("/metrics");
    if (page === undefined) return;
    view.metrics = new MetricsPage(page.text, clock.nowMs());
    const said = Date.parse(page.date ?? "");
    // The server tells whole seconds: the middle of that second is the best guess.
    if (!Number.isNaN(said)) view.clockAheadMs = said + 500 - (sentMs + clock.wallMs()) / 2;
  }

  /** The page is there only where a server logs at level debug. */
  async #slowCalls(): Promise<void> {
    const page = await this.#page("/debug/requests", true);
    if (page !== undefined) this.view.slowCalls = slowCallsOf(textOf(page.text));
  }

  async #page(page: string, isOptional = false): Promise<Page | undefined> {
    const { failures } = this.view;
    // Nobody asks a socket file for pages.
    if (this.#endpoint.startsWith("unix")) return undefined;
    try {
      const { tls } = this.#look.config;
      const found = await endpointPage(this.#endpoint, page, tls, this.#timeoutMs);
      if (found.status !== NOT_FOUND) return found;
      if (!isOptional) failures.set(page, "the page is not served here");
    } catch (error) {
      if (!isOptional) failures.set(page, textOf(messageOf(error)));
    }
    return undefined;
  }

  async #ask(
    name: string,
    ask: (client: Client, options: CallOptions) => Promise<void>,
  ): Promise<void> {
    const { session, call, config } = this.#look;
    try {
      const client = await openWith(session, [this.#endpoint], config);
      await ask(client, { deadlineMs: commandDeadlineMs(session, call) });
    } catch (error) {
      const message = error instanceof ToolExit ? (error.shown ?? "") : messageOf(error);
      this.view.failures.set(name, textOf(message));
    }
  }
}

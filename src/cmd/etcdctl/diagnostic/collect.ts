/** Everything that endpoints tell of themselves without naming a key or a secret, as files of a report. */
import type { Client } from "../../../client/client.ts";
import { shownWords } from "../../../stdx/secret-words.ts";
import { textOf } from "../../byte-text.ts";
import { ToolExit } from "../../tool-exit.ts";
import { type ClientConfig, openWith } from "../client-config.ts";
import { messageOf } from "../cluster-endpoints.ts";
import { endpointPage, NOT_FOUND, shownEndpoint } from "../fetch-page.ts";
import { JsonPrinter } from "../print-json.ts";
import { probeEndpoint } from "../run-endpoint.ts";
import { commandDeadlineMs, type EtcdctlCall, milliseconds, type Session } from "../session.ts";
import type { EndpointAnswers } from "./findings.ts";

/** Pages that members serve, and the files they become. */
const PAGES: readonly (readonly [page: string, file: string])[] = [
  ["/version", "version.json"],
  ["/health", "http-health.json"],
  ["/livez?verbose", "livez.txt"],
  ["/readyz?verbose", "readyz.txt"],
  ["/metrics", "metrics.txt"],
];

/** Tells also that nothing was answered. */
const HEALTH_FILE = "health.json";

/** One endpoint's part of a report. Texts of files are byte strings. */
export class EndpointReport {
  readonly answers: EndpointAnswers;
  readonly files = new Map<string, string>();
  readonly #session: Session;
  readonly #call: EtcdctlCall;
  readonly #config: ClientConfig;
  readonly #endpoint: string;

  /** `endpoint` is a byte string. */
  constructor(session: Session, call: EtcdctlCall, config: ClientConfig, endpoint: string) {
    this.#session = session;
    this.#call = call;
    this.#config = config;
    this.#endpoint = endpoint;
    this.answers = { endpoint: shownEndpoint(textOf(endpoint)), failures: new Map() };
  }

  /** Whether anything of what was asked for was answered. */
  get isAnswered(): boolean {
    return [...this.files.keys()].some((file) => file !== HEALTH_FILE);
  }

  /** Asks for everything but the hash. */
  async collect(): Promise<void> {
    await Promise.all([
      ...this.#calls(),
      this.#health(),
      ...PAGES.map(([page, file]) => this.#page(page, file)),
      this.#configuration(),
    ]);
  }

  #calls(): Promise<void>[] {
    const { answers } = this;
    const endpoint = this.#endpoint;
    const status = this.#ask("status", async (client, options) => {
      const said = await client.maintenance.status(textOf(endpoint), options);
      answers.status = said;
      return (to) => to.endpointStatus([{ endpoint: answers.endpoint, status: said }]);
    });
    const members = this.#ask("members", async (client, options) => {
      const said = await client.cluster.memberList(options, false);
      answers.members = said;
      return (to) => to.memberList(said);
    });
    const alarms = this.#ask("alarms", async (client, options) => {
      const said = await client.maintenance.alarmList(options);
      answers.alarms = said;
      return (to) => to.alarms(said);
    });
    return [status, members, alarms];
  }

  async #health(): Promise<void> {
    const { answers } = this;
    const health = await probeEndpoint(this.#session, this.#call, this.#config, this.#endpoint);
    if (health.error !== "") answers.failures.set("health", textOf(health.error));
    this.#keep(HEALTH_FILE, (to) => to.endpointHealth([{ ...health, endpoint: answers.endpoint }]));
  }

  /** Asks for the hash of all keys at `revision`, which members can be compared by. */
  async collectHash(revision: number): Promise<void> {
    const { answers } = this;
    if (answers.status === undefined) return;
    await this.#ask("hashkv", async (client, options) => {
      const hashKv = await client.maintenance.hashKv(textOf(this.#endpoint), revision, options);
      answers.hashKv = hashKv;
      return (to) => to.endpointHashKv([{ endpoint: answers.endpoint, hashKv }]);
    });
  }

  async #ask(
    name: string,
    ask: (client: Client, options: { deadlineMs: number }) => Promise<(to: JsonPrinter) => void>,
  ): Promise<void> {
    try {
      const client = await openWith(this.#session, [this.#endpoint], this.#config, "client");
      const deadlineMs = commandDeadlineMs(this.#session, this.#call);
      this.#keep(`${name}.json`, await ask(client, { deadlineMs }));
    } catch (error) {
      const message = error instanceof ToolExit ? (error.shown ?? "") : messageOf(error);
      this.answers.failures.set(name, textOf(message));
    }
  }

  #keep(file: string, print: (to: JsonPrinter) => void): void {
    let text = "";
    const output = {
      out: (more: string) => {
        text += more;
      },
      error: () => undefined,
    };
    print(new JsonPrinter(output, false));
    this.files.set(file, text);
  }

  async #page(page: string, file: string): Promise<void> {
    const text = await this.#fetch(page);
    if (text !== undefined) this.files.set(file, text);
  }

  /** The flags a member was started with, from its published variables; secret values are masked. */
  async #configuration(): Promise<void> {
    const text = await this.#fetch("/debug/vars");
    if (text === undefined) return;
    const variables: unknown = parsed(text);
    const isObject = typeof variables === "object" && variables !== null;
    const words: unknown = isObject && "cmdline" in variables ? variables.cmdline : undefined;
    if (!Array.isArray(words)) {
      this.answers.failures.set("/debug/vars", "there is no command line in it");
      return;
    }
    const shown = shownWords(words.map(String)).map(shownEndpoint);
    this.files.set("config.json", `${JSON.stringify({ cmdline: shown }, undefined, 2)}\n`);
  }

  async #fetch(page: string): Promise<string | undefined> {
    const { tls } = this.#config;
    const endpoint = textOf(this.#endpoint);
    const timeoutMs = milliseconds(this.#call.flags.getInteger("command-timeout"));
    try {
      const { status, text } = await endpointPage(endpoint, page, tls, timeoutMs);
      if (status !== NOT_FOUND) return text;
      this.answers.failures.set(page, "the page is not served here");
    } catch (error) {
      this.answers.failures.set(page, textOf(messageOf(error)));
    }
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(textOf(text));
  } catch {
    return undefined;
  }
}

#!/usr/bin/env node
/**
 * `npm start`: installs and builds what is missing, then runs one member in this process, with the arguments
 * and the environment given. On a terminal it says what to type next once the member answers.
 */
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuild, ensureDependencies, ROOT } from "./project.mjs";

const DEFAULT_URL = "http://localhost:2379";

/** How often, and how many times, a look is taken whether the member answers: for a minute. */
const POLL_MS = 50;
const POLL_ATTEMPTS_MAX = 1200;

/** The first client URL that the member will listen on. */
function clientUrl(/** @type {string[]} */ args) {
  const flag = /^--?listen-client-urls(?:=(.*))?$/;
  const at = args.findIndex((argument) => flag.test(argument));
  const given = at < 0 ? undefined : (flag.exec(args[at])?.[1] ?? args[at + 1]);
  return (given || process.env["ETCD_LISTEN_CLIENT_URLS"] || DEFAULT_URL).split(",")[0];
}

/** How to call a client that is there: ours, the reference's, or the one a user may have. */
function clientCommand() {
  const candidates = ["dist/cmd/etcdctl.js", ".etcd-reference/etcdctl"];
  const found = candidates.find((file) => fs.existsSync(path.join(ROOT, file)));
  if (found === undefined) return "etcdctl";
  const shown = path.relative(process.cwd(), path.join(ROOT, found));
  return found.endsWith(".js") ? `node ${shown}` : shown.startsWith(".") ? shown : `./${shown}`;
}

function printNextSteps(/** @type {string} */ url) {
  const endpoints = url === DEFAULT_URL ? "" : ` --endpoints=${url}`;
  const command = clientCommand() + endpoints;
  process.stderr.write(`
The member answers on ${url}. In another terminal:

  ${command} put greeting "hello"
  ${command} get greeting
  ${command} get "" --prefix --keys-only

Ctrl-C stops it; its data stays.

`);
}

/** Calls `printNextSteps` when something listens at `url`. Keeps nothing alive. */
function announce(/** @type {string} */ url) {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  let attempts = POLL_ATTEMPTS_MAX;
  const attempt = () => {
    const socket = net.connect({ host, port: Number(port) });
    socket.unref();
    socket.on("connect", () => {
      socket.destroy();
      printNextSteps(url);
    });
    socket.on("error", () => {
      if (--attempts > 0) setTimeout(attempt, POLL_MS).unref();
    });
  };
  setTimeout(attempt, POLL_MS).unref();
}

async function main() {
  ensureDependencies();
  ensureBuild();
  const args = process.argv.slice(2);
  const program = path.join(ROOT, "dist", "cmd", "etcd.js");
  process.argv = [process.argv[0], program, ...args];
  const url = clientUrl(args);
  if (process.stderr.isTTY && url.startsWith("http://")) announce(url);
  await import(pathToFileURL(program).href);
}

await main();

/**
 * Does with an auth.json what Codex does, as docs/facts/login.md has it: `node stand-in-agent.ts <StandInTask as JSON>`. It looks into the file when it needs another token, and
 * has the answer of the provider in the file before anything else happens to it. Ends when nobody is logged in any more, and with its input, unless it outlives that.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { logChaos } from './chaos-log.ts';
import { alone, createMarks } from './do-not-disturb.ts';

export interface StandInTask {
  readonly folder: string;
  readonly authJson: string;
  /** With `by` in its query: whose lease this is. */
  readonly tokenUrl: string;
  /** How the file is written: over itself, as 0.142 does it, or beside it and renamed, as 0.169 does. */
  readonly way: 'in-place' | 'rename';
  readonly where: string;
  /** As in a terminal that nobody has to look at. */
  readonly outlives: boolean;
  /** After how many milliseconds the model refuses the access token, each counted from the one before. */
  readonly refusals: readonly number[];
  readonly lifeMs: number;
}

interface Login {
  readonly tokens: { readonly refresh_token: string; readonly access_token: string };
}

const task: StandInTask = JSON.parse(process.argv[2] ?? '');
const marks = createMarks(`${task.folder}/marks`);
let busy = false;
let told = false;

/** Ends between two refreshes, never within one. */
function end(): void {
  told = true;
  if (!busy) process.exit(0);
}

process.on('SIGTERM', end);
process.on('SIGHUP', end);
process.stdin.on('error', () => undefined);
process.stdin.on('close', () => task.outlives || end());
process.stdin.resume();
setTimeout(end, task.lifeMs);

function read(): Login {
  try {
    return JSON.parse(readFileSync(task.authJson, 'utf8'));
  } catch {
    // Gone, or not whole: Codex does no more turns then.
    return process.exit(0);
  }
}

function write(login: unknown): void {
  const content = JSON.stringify(login, null, 2);
  if (task.way === 'in-place') {
    writeFileSync(task.authJson, content, { mode: 0o600 });
    return;
  }
  const beside = `${task.authJson}.${process.pid}`;
  writeFileSync(beside, content, { mode: 0o600, flush: true });
  renameSync(beside, task.authJson);
}

async function ask(refreshToken: string): Promise<{ readonly status: number; readonly body: string }> {
  const body = JSON.stringify({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const asking = request(task.tokenUrl, { method: 'POST', headers, agent: false });
  asking.on('error', reject);
  asking.on('response', (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
  });
  asking.end(body);
  return await promise;
}

/** The token that the session now has; the old one when the provider gave no answer. */
async function refresh(): Promise<Login> {
  busy = true;
  const done = marks.begin();
  try {
    return await alone(task.authJson, spend);
  } finally {
    done();
    busy = false;
    if (told) process.exit(0);
  }
}

async function spend(): Promise<Login> {
  const login = read();
  try {
    const { status, body } = await ask(login.tokens.refresh_token);
    if (status === 401) {
      logChaos(task.folder, { type: 'refused', by: task.tokenUrl.split('by=')[1] ?? '', reason: body });
      process.exit(3);
    }
    const answer = status === 200 ? JSON.parse(body) : undefined;
    if (answer === undefined) return login;
    const { id_token, access_token, refresh_token } = answer;
    const tokens = { ...login.tokens, id_token, access_token, refresh_token };
    const next = { ...login, tokens, last_refresh: new Date().toISOString() };
    write(next);
    return next;
  } catch {
    // A web page, or a connection that broke before the provider did anything.
    return login;
  }
}

function isOver({ tokens }: Login): boolean {
  const claims = JSON.parse(Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString());
  return claims.exp * 1_000 <= Date.now();
}

logChaos(task.folder, { type: 'agent', pid: process.pid, way: task.way, where: task.where });
let login = read();
if (isOver(login)) login = await refresh();
for (const ms of task.refusals) {
  await sleep(ms);
  const present = read();
  // What is there is tried first: only the token that was refused is refreshed.
  login = present.tokens.refresh_token === login.tokens.refresh_token ? await refresh() : present;
}

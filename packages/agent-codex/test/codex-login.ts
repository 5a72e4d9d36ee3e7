import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  openRotatingOAuth,
  openScriptedModel,
  type RotatingOAuth,
  type RotatingOAuthOptions,
  type ScriptedModel,
} from '../src/testing/index.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';
import { type CodexHome, type CodexProcess, openCodexHome, openCodexProcess } from './scripted-codex.ts';

/** A model that only good access tokens reach, and the provider that gives them out. */
export interface LoginGround extends AsyncDisposable {
  readonly model: ScriptedModel;
  readonly oauth: RotatingOAuth;
  /** A home of Codex that is led to both, logged in with this file, or not at all. */
  openHome(authJson?: string): Promise<LoginHome>;
}

export interface LoginHome extends CodexHome {
  readonly authJson: string;
  read(): Promise<string>;
  /** Puts another auth.json in its place, in one go. */
  replace(content: string): Promise<void>;
}

export async function openLoginGround(options: RotatingOAuthOptions = {}): Promise<LoginGround> {
  await using stack = new AsyncDisposableStack();
  const story = { replies: [], otherwise: [{ type: 'say', text: 'ready' }] } as const;
  const model = stack.use(await openScriptedModel({ story }));
  const oauth = stack.use(await openRotatingOAuth({ model: model.url, ...options }));
  const owned = stack.move();
  return {
    model,
    oauth,
    async openHome(content) {
      const home = await openCodexHome(oauth.config(model.providerConfig()), oauth.environment('codex'));
      const authJson = join(home.env['CODEX_HOME'] ?? '', 'auth.json');
      if (content !== undefined) await writeFile(authJson, content, { mode: 0o600 });
      return {
        ...home,
        authJson,
        read: () => readFile(authJson, 'utf8'),
        async replace(text) {
          await writeFile(`${authJson}.new`, text, { mode: 0o600 });
          await rename(`${authJson}.new`, authJson);
        },
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** `codex login --device-auth`, with somebody who types its code. */
export async function logInByDevice(
  version: SupportedVersion,
  home: LoginHome,
  { oauth, account }: { readonly oauth: RotatingOAuth; readonly account?: string },
): Promise<number | null> {
  const args = ['login', '--device-auth', '--experimental_issuer', oauth.issuer];
  const child = spawn(await codexBinary(version), args, {
    cwd: home.workspace,
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = once(child, 'close');
  let said = '';
  let approved = false;
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const code = /[B-Z]{4}-[B-Z]{4}/.exec(said)?.[0];
    if (code === undefined || approved) continue;
    approved = true;
    await oauth.approveDevice(code, account);
  }
  await closed;
  return child.exitCode;
}

/** One turn of a fresh app-server; gives how it ended. */
export async function oneTurn(version: SupportedVersion, home: LoginHome): Promise<string | undefined> {
  await using codex = await openCodexProcess({ version, home });
  return await nextTurn(codex, await codex.startThread());
}

export async function nextTurn(codex: CodexProcess, threadId: string): Promise<string | undefined> {
  return (await codex.turn(threadId, 'Are you there?')).params.turn?.status;
}

/** How many requests came to a path. */
export async function countRequests(oauth: RotatingOAuth, path: string): Promise<number> {
  return (await oauth.audit()).requests.filter((request) => request.path === path).length;
}

/**
 * The files of a home in which a part of a secret stands, auth.json left out. A part, because a database spreads a long text over its pages;
 * the header and the first claims of a JWT are no secret.
 */
export async function filesHolding(home: LoginHome, secrets: readonly string[]): Promise<readonly string[]> {
  const parts = secrets.flatMap((secret) => {
    const own = secret.split('.')[1]?.slice(-400) ?? secret;
    return Array.from({ length: Math.ceil(own.length / 40) }, (_, index) =>
      own.slice(index * 40, index * 40 + 40),
    );
  });
  const folder = dirname(home.authJson);
  const found = new Set<string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path === home.authJson) continue;
    const content = await readFile(path);
    if (parts.some((part) => part.length >= 20 && content.includes(part))) found.add(entry.name);
  }
  return [...found];
}

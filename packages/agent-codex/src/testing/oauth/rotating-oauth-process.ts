import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { OAuthAudit, RotatingOAuth } from './rotating-oauth.ts';
import { RotatingOAuthError, type RotatingOAuthErrorCode } from './rotating-oauth-error.ts';
import { parseRotatingOAuthOptions, type RotatingOAuthOptions } from './rotating-oauth-options.ts';
import { chatgptConfig, oauthEnvironment } from './rotating-oauth-surfaces.ts';

const lineSchema = z.union([
  z.strictObject({ issuer: z.string() }),
  z.looseObject({ id: z.number(), error: z.object({ code: z.string(), message: z.string() }) }),
  z.looseObject({ id: z.number() }),
]);

/**
 * A rotating OAuth server in a process of its own, which no load of this one can hold up, and which outlives clients that are killed.
 * It ends when it is disposed, and when this process ends.
 * @throws {RotatingOAuthError} `invalid-options`; `closed` when it does not start, as where its port is taken.
 */
export async function openRotatingOAuthProcess(options: RotatingOAuthOptions = {}): Promise<RotatingOAuth> {
  const source = new URL('./rotating-oauth-program.ts', import.meta.url);
  // Packed, this file and the program beside it are JavaScript.
  const program = import.meta.url.endsWith('.ts') ? source : new URL(source.href.replace(/\.ts$/, '.js'));
  const argument = JSON.stringify(parseRotatingOAuthOptions(options));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [fileURLToPath(program), argument],
    { stdio: ['pipe', 'pipe', 'inherit'], env: {} },
  );
  const exited = once(child, 'exit');
  const { issuer, call } = await connect(child);
  return {
    issuer,
    tokenUrl: `${issuer}/oauth/token`,
    backendUrl: `${issuer}/backend-api/`,
    modelUrl: `${issuer}/v1`,
    environment: (by) => oauthEnvironment(issuer, by),
    config: (providerConfig) => chatgptConfig(issuer, providerConfig),
    logIn: async (...args) => z.string().parse(await call('logIn', args)),
    approveDevice: async (...args) => void (await call('approveDevice', args)),
    fail: async (...args) => void (await call('fail', args)),
    release: async (...args) => void (await call('release', args)),
    expireAccess: async (...args) => void (await call('expireAccess', args)),
    revoke: async (...args) => void (await call('revoke', args)),
    waitForRequests: async (...args) => void (await call('waitForRequests', args)),
    // Written by the same program: the two come in one package.
    audit: async () => (await call('audit', [])) as OAuthAudit,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}

interface Connection {
  readonly issuer: string;
  call(name: string, args: readonly unknown[]): Promise<unknown>;
}

async function connect(child: ChildProcessByStdio<Writable, Readable, null>): Promise<Connection> {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  const started = Promise.withResolvers<string>();
  let isOver = false;
  const closed = (): RotatingOAuthError =>
    new RotatingOAuthError(
      'closed',
      'The process of the OAuth server has ended. What it wrote to standard error says why.',
    );
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = lineSchema.parse(JSON.parse(line));
    if ('issuer' in said) return started.resolve(String(said.issuer));
    const call = pending.get(said.id);
    pending.delete(said.id);
    if (!('error' in said)) return call?.resolve(said['result']);
    const { code, message } = z.object({ code: z.string(), message: z.string() }).parse(said.error);
    call?.reject(new RotatingOAuthError(code as RotatingOAuthErrorCode, message));
  });
  child.once('close', () => {
    isOver = true;
    started.reject(closed());
    for (const call of pending.values()) call.reject(closed());
  });
  let nextId = 0;
  return {
    issuer: await started.promise,
    call(name, args) {
      if (isOver) return Promise.reject(closed());
      const call = Promise.withResolvers<unknown>();
      pending.set(nextId, call);
      child.stdin.write(`${JSON.stringify({ id: nextId, call: name, args })}\n`);
      nextId += 1;
      return call.promise;
    },
  };
}

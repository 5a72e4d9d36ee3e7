import { type Command, forward, type Host } from '@seedbed/host';
import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type AppServer, openAppServer } from '../app-server/app-server.ts';
import { RefusedServerRequest } from '../app-server/server-requests/server-request.ts';

/** What somebody has to do so that a browser logs Codex in: open the address, anywhere, and let the browser come back to Codex. */
export interface BrowserPrompt {
  /** Of the issuer of the login, and of nobody else. */
  readonly url: string;
  /**
   * Where Codex waits for the browser: on the loopback of its host. A browser on that machine finds it by itself; for one elsewhere the same port of its own machine has to lead there
   * (`ssh -L`), or the address that it cannot open goes to {@link finish}.
   */
  readonly callbackPort: number;
  /**
   * Takes the address that the browser was sent back to, `http://localhost:<callbackPort>/…`, to Codex. Resolves when Codex has it; whether it logs in is the end of the login.
   *
   * @throws {AgentCodexError} `invalid-answer` for another address, `login-refused` when Codex does not wait any more.
   */
  finish(callbackUrl: string): Promise<void>;
}

export interface BrowserLogin {
  readonly onPrompt: (prompt: BrowserPrompt) => void | Promise<void>;
  readonly issuer: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

const START_MS = 60_000;
const REQUEST_MS = 30_000;
const MAX_HOPS = 3;

/** What Codex says when its own ten minutes are over. */
const EXPIRED = /timed out|expired/i;

const startedSchema = z.looseObject({ loginId: z.string(), authUrl: z.url() });

const completedSchema = z.looseObject({
  loginId: z.string().nullish(),
  success: z.boolean(),
  error: z.string().nullish(),
});

/**
 * Logs in with `codex app-server`, which waits for the browser itself; its process is gone in any case. Codex always waits at the same port: who begins another login on the host ends the
 * one before.
 *
 * @throws {AgentCodexError} `login-refused`, `login-expired`, `unsupported` where this version does not ask that issuer, and what starting Codex throws.
 */
export async function logInByBrowser(
  host: Host,
  command: Command,
  { onPrompt, issuer, version, signal }: BrowserLogin,
): Promise<void> {
  const completed = Promise.withResolvers<z.infer<typeof completedSchema>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  await using server = await openAppServer(host, command, {
    client: {
      onNotification(method, params) {
        const said = completedSchema.safeParse(params);
        if (method === 'account/login/completed' && said.success) completed.resolve(said.data);
      },
      onServerRequest: async ({ method }) => {
        throw new RefusedServerRequest(-32601, `${method} is not answered while somebody logs in.`);
      },
      onOddity: () => undefined,
    },
    requestDeadlineMs: REQUEST_MS,
    startDeadlineMs: START_MS,
    signal,
  });
  let isOver = false;
  const { back, url } = await start(server, { issuer, version, signal });
  const prompt: BrowserPrompt = {
    url: url.href,
    callbackPort: Number(back.port),
    async finish(callbackUrl) {
      // The port is then anybody's, and the address holds the code of a login.
      if (isOver) throw notWaiting();
      await comeBack(host, back, { callbackUrl, signal });
    },
  };
  const onAbort = (): void => failed.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    // It may wait for the person; Codex waits for the browser meanwhile.
    Promise.resolve(onPrompt(prompt)).catch(failed.reject);
    const gone = server.gone.then((failure) => Promise.reject(failure));
    const { success, error } = await Promise.race([completed.promise, failed.promise, gone]);
    if (success) return;
    const words = error ?? 'it said nothing';
    if (EXPIRED.test(words))
      throw new AgentCodexError('login-expired', `Nobody has come back from the browser in time: ${words}`);
    throw new AgentCodexError('login-refused', `Codex did not log in by browser: ${words}`);
  } finally {
    isOver = true;
    signal.removeEventListener('abort', onAbort);
  }
}

function notWaiting(cause?: unknown): AgentCodexError {
  return new AgentCodexError('login-refused', 'Codex does not wait for a browser any more.', { cause });
}

/** The address for the browser, and the one that it comes back to. */
async function start(
  server: AppServer,
  { issuer, version, signal }: Omit<BrowserLogin, 'onPrompt'>,
): Promise<{ readonly url: URL; readonly back: URL }> {
  const answer = await server.request('account/login/start', { type: 'chatgpt' }, { signal });
  const started = startedSchema.safeParse(answer);
  const address = started.success ? new URL(started.data.authUrl) : undefined;
  const back = URL.parse(address?.searchParams.get('redirect_uri') ?? '');
  if (address === undefined || back === null || !isLoopback(back))
    throw new AgentCodexError('login-refused', 'Codex gave no address at which a browser could log in.');
  if (address.origin !== new URL(issuer).origin)
    throw new AgentCodexError(
      'unsupported',
      `Codex ${version} logs in by browser at ${address.origin}, whatever it is told; ${issuer} was asked for.`,
    );
  return { url: address, back };
}

function isLoopback({ protocol, hostname, port }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1'].includes(hostname) && port !== '';
}

/** As a browser would: to Codex, and on to the page there that ends the login. Nobody else is asked. */
async function comeBack(
  host: Host,
  back: URL,
  { callbackUrl, signal }: { readonly callbackUrl: string; readonly signal: AbortSignal },
): Promise<void> {
  const given = URL.parse(callbackUrl.trim());
  const isCodex = (url: URL): boolean => isLoopback(url) && url.port === back.port;
  if (given === null || !isCodex(given) || given.pathname !== back.pathname)
    // What was given may hold the code of a login: it is left out.
    throw new AgentCodexError(
      'invalid-answer',
      `That is not the address that a browser is sent back to: it begins with ${back.origin}${back.pathname}?.`,
    );
  await using tunnel = await forward(host, { port: Number(back.port) }, { signal });
  let next = await followed(given);
  // The page after that ends the login; Codex may be gone before it has sent it whole.
  for (let hop = 1; next !== undefined && isCodex(next) && hop < MAX_HOPS; hop += 1)
    next = await followed(next).catch(() => undefined);

  async function followed({ href, pathname, search }: URL): Promise<URL | undefined> {
    const here = `http://${tunnel.address}:${tunnel.port}${pathname}${search}`;
    try {
      const response = await fetch(here, { redirect: 'manual', signal });
      await response.body?.cancel();
      const location = response.headers.get('location');
      return location === null ? undefined : (URL.parse(location, href) ?? undefined);
    } catch (cause) {
      signal.throwIfAborted();
      throw notWaiting(cause);
    }
  }
}

import { type BinaryProgress, codexRelease } from '@seedbed/binary-cache';
import { type Command, type Host, HostError, type HostPath, readText, run } from '@seedbed/host';
import type { AccountSummary } from '@seedbed/seeds';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type CodexBinary, findCodex } from '../find-codex.ts';
import { workdirPath } from '../open-codex-conversation.ts';
import { refuseAborted } from '../refuse-aborted.ts';
import type { CodexConfig } from '../task-home/config-toml.ts';
import { fillTaskHome, makeTaskHome } from '../task-home/prepare-task-home.ts';
import { type TaskPaths, taskEnvironment, taskPaths } from '../task-home/task-paths.ts';
import { codexCredential } from './codex-credential.ts';
import type { DevicePrompt } from './device-prompt.ts';
import { type BrowserPrompt, logInByBrowser } from './log-in-by-browser.ts';
import { logInByDevice, OPENAI_ISSUER } from './log-in-by-device.ts';
import { requireSafeUrl } from './provider-request.ts';

/**
 * - `device`: somebody opens an address in any browser and types a code.
 * - `browser`: somebody opens an address in a browser that comes back to the host, or whose last address is brought there.
 * - `api-key`: a key of the platform; Codex does not ask whether it is good.
 */
export type LoginMethod =
  | {
      readonly type: 'device';
      /** Called once. A failure of it ends the login. */
      readonly onPrompt: (prompt: DevicePrompt) => void | Promise<void>;
      /** Who is asked. The real one by default; https, or http on the host's loopback. */
      readonly issuer?: string;
    }
  | {
      readonly type: 'browser';
      /** Called once. A failure of it ends the login. */
      readonly onPrompt: (prompt: BrowserPrompt) => void | Promise<void>;
      /** As of `device`. Before 0.169 Codex asks the real one alone: `unsupported`. */
      readonly issuer?: string;
    }
  | { readonly type: 'api-key'; readonly apiKey: string };

export interface LogInOptions {
  readonly host: Host;
  /** A folder for the login alone, absolute, that is not there yet; not below the host's folder for temporary files. */
  readonly workdir: string;
  readonly method: LoginMethod;
  /** As in a task: a version of the table that `@seedbed/binary-cache` supports. */
  readonly version?: string;
  /** A cache in the default place that is filled from the npm registry, by default. */
  readonly binary?: CodexBinary;
  /** What leads to the provider, for config.toml: it is captured with the login, and later tasks get of it what `identityConfig` takes. */
  readonly config?: CodexConfig;
  /** For Codex, for example a proxy; nothing of this program's environment reaches it. */
  readonly env?: Readonly<Record<string, string>>;
  /** While the binary is fetched. */
  readonly onBinaryProgress?: (progress: BinaryProgress) => void;
  /** For all of it, the fetching of the binary and a person's time included, in milliseconds. 900,000 by default: so long Codex itself waits. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A home in which somebody is logged in, for `Seeds.capture`. Disposal removes it from the host, and what was not captured with it. */
export interface LoggedInHome extends AsyncDisposable {
  readonly host: Host;
  readonly home: HostPath;
  /** Where the login says whose it is. */
  readonly account: AccountSummary | undefined;
}

const DEFAULT_DEADLINE_MS = 900_000;
const MAX_AUTH_JSON_BYTES = 256 * 1024;
const WHAT = 'Logging in to Codex';

/**
 * Lets somebody log in with the real Codex, on a host, in a home of its own that nothing leaks into. Whatever it ends with, no process of it is left; when it throws, nor is a file, unless the host is gone.
 *
 * @throws {AgentCodexError} `login-refused` with Codex's words; `login-expired` when nobody typed the code in time; `not-logged-in` when Codex calls it done and there is no
 * whole login; `unsupported` for a browser login at an issuer that this version does not ask; `invalid-config`; `launch-failed` when the workdir is there already; `aborted`.
 * @throws {BinaryCacheError} when the binary cannot be had. @throws {HostError} when the host fails.
 */
export async function logInToCodex(options: LogInOptions): Promise<LoggedInHome> {
  const { host, method, signal, deadlineMs = DEFAULT_DEADLINE_MS } = options;
  const paths = taskPaths(workdirPath(options.workdir));
  checkMethod(method);
  refuseAborted(signal, WHAT);
  if ((await host.stat(paths.workdir)) !== undefined)
    throw new AgentCodexError(
      'launch-failed',
      `Did not log in below ${paths.workdir}: it is there already, and would be removed afterwards. Name a folder that is not.`,
    );
  const deadline = AbortSignal.timeout(deadlineMs);
  const giveUp = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const remove = (): Promise<void> => host.remove(paths.workdir, { recursive: true });
  try {
    await logInBelow(paths, options, giveUp);
    const account = await readAccount(host, paths.authJson);
    return { host, home: paths.home, account, [Symbol.asyncDispose]: remove };
  } catch (failure) {
    // Why there is no login is the greater failure.
    await remove().catch(() => undefined);
    refuseAborted(signal, WHAT);
    if (!deadline.aborted) throw failure;
    throw new AgentCodexError(
      'login-expired',
      `Nobody has logged in within ${deadlineMs} ms. The code that was shown is void: begin again.`,
      { cause: failure },
    );
  }
}

function checkMethod(method: LoginMethod): void {
  if (method.type !== 'api-key') {
    if (method.issuer !== undefined) requireSafeUrl(method.issuer, 'method.issuer');
    return;
  }
  if (!/^\S+$/.test(method.apiKey.trim()))
    throw new AgentCodexError('invalid-config', 'method.apiKey is empty, or not one word.');
}

async function logInBelow(paths: TaskPaths, options: LogInOptions, signal: AbortSignal): Promise<void> {
  const { host, method, binary, config = {}, env, version, onBinaryProgress: onProgress } = options;
  const codex = await findCodex(host, codexRelease(version), { binary, onProgress, signal });
  await host.makeDirectory(paths.workdir, { mode: 0o700 });
  await makeTaskHome(host, paths);
  await fillTaskHome(host, paths, { config: [config] });
  const codexCommand = (args: readonly string[], more: LogInOptions['env'] = {}): Command => ({
    argv: [codex.path, ...args],
    cwd: paths.workdir,
    env: taskEnvironment(paths, { ...env, ...more }),
  });
  const command = (...args: readonly string[]): Command => codexCommand(['login', ...args]);
  signal.throwIfAborted();
  if (method.type === 'device') return await logInByDevice(host, command, { ...method, signal });
  if (method.type === 'browser') {
    const { issuer = OPENAI_ISSUER, onPrompt } = method;
    const appServer = codexCommand(['app-server'], issuerEnvironment(method.issuer));
    return await logInByBrowser(host, appServer, { onPrompt, issuer, version: codex.version, signal });
  }
  // Through standard input: an argument or a variable is for everybody on the host to see.
  const input = `${method.apiKey.trim()}\n`;
  const { exit } = await run(host, command('--with-api-key'), { input, signal });
  if (exit.kind === 'exited' && exit.code === 0) return;
  // What it printed is left out: it could quote the key.
  throw new AgentCodexError('login-refused', 'Codex did not take the API key.');
}

/** How an app-server is led to another issuer; see docs/facts/login.md. */
function issuerEnvironment(issuer: string | undefined): Readonly<Record<string, string>> {
  return issuer === undefined ? {} : { CODEX_APP_SERVER_LOGIN_ISSUER: issuer.replace(/\/+$/, '') };
}

async function readAccount(host: Host, authJson: HostPath): Promise<AccountSummary | undefined> {
  const text = await readText(host, authJson, { maxBytes: MAX_AUTH_JSON_BYTES }).catch((failure: unknown) => {
    if (failure instanceof HostError && failure.code === 'not-found') return '';
    throw failure;
  });
  const reading = codexCredential.read(new TextEncoder().encode(text));
  if (reading.state === 'logged-in') return reading.summary;
  throw new AgentCodexError(
    'not-logged-in',
    `Codex calls the login done, but ${authJson} holds no whole one: it is ${reading.state}. Is another store than its file set for logins on ${host.label}?`,
  );
}

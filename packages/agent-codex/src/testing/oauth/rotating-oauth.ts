import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { answerWithFault } from './answer-with-fault.ts';
import { unauthorized } from './backend-endpoints.ts';
import { createLoginCodes } from './login-codes.ts';
import { passToModel } from './model-gateway.ts';
import { defaultAccounts, findAccount, type OAuthAccount } from './oauth-account.ts';
import { answerOAuth, type OAuthDesk } from './oauth-endpoints.ts';
import { createFaultQueue, type FaultQueue, type OAuthFault, oauthFaultSchema } from './oauth-fault.ts';
import { logged, type OAuthRequest, readRequest } from './oauth-request.ts';
import { createOAuthWaits, type OAuthWaits } from './oauth-waits.ts';
import { RotatingOAuthError } from './rotating-oauth-error.ts';
import { parseRotatingOAuthOptions, parseWith, type RotatingOAuthOptions } from './rotating-oauth-options.ts';
import { authJsonOf, chatgptConfig, oauthEnvironment } from './rotating-oauth-surfaces.ts';
import { createTokenLedger, type RefreshTokenRecord, type TokenLifetimes } from './token-ledger.ts';

const clientId = 'app_EMoamEEZ73f0CkXaXp7hrann';

/** What a rotating OAuth server knows of those who came. No token is in it, only fingerprints. */
export interface OAuthAudit {
  readonly requests: readonly OAuthRequest[];
  /** Every refresh token that was ever given, in order. */
  readonly refreshTokens: readonly RefreshTokenRecord[];
  /** Those that were shown again after they had been spent. Empty is what a system that keeps logins must reach. */
  readonly spentTwice: readonly RefreshTokenRecord[];
  /** The codes that devices show and nobody has approved. */
  readonly waitingDevices: readonly string[];
}

/**
 * Logins whose refresh tokens work once, as those of ChatGPT do. It listens on loopback only, until it is disposed.
 * The same interface leads to one in this process and to one in a process of its own.
 */
export interface RotatingOAuth extends AsyncDisposable {
  /** The issuer for `codex login --experimental_issuer`, without a slash at the end. */
  readonly issuer: string;
  /** Where refresh tokens are exchanged. With `?by=NAME` the audit knows who came. */
  readonly tokenUrl: string;
  /** The `chatgpt_base_url`. */
  readonly backendUrl: string;
  /** Stands before the model of the options, and lets in good access tokens only. */
  readonly modelUrl: string;
  /** What makes Codex ask this server for all that has to do with logins. `by` names it in the audit. */
  environment(by?: string): Readonly<Record<string, string>>;
  /** The provider config of a scripted model, turned to ChatGPT logins of this server. */
  config(providerConfig: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /**
   * A new login, as the text of the `auth.json` that Codex would have written.
   * @throws {RotatingOAuthError} `no-such-account`.
   */
  logIn(account?: string, lifetimes?: TokenLifetimes): Promise<string>;
  /** @throws {RotatingOAuthError} `no-such-account`, `no-such-device`. */
  approveDevice(userCode: string, account?: string): Promise<void>;
  /**
   * Faults for the next requests to a path, one after the other.
   * @throws {RotatingOAuthError} `invalid-options`.
   */
  fail(...faults: readonly OAuthFault[]): Promise<void>;
  /** Lets all answers go that are or will be held under this name. */
  release(hold: string): Promise<void>;
  /** Refuses all access tokens that the account has so far, long before their time; its refresh tokens still work. */
  expireAccess(account: string): Promise<void>;
  /** Ends every login of an account on the provider's side. */
  revoke(account: string): Promise<void>;
  /**
   * Settles when so many requests to paths that end like this have come, past ones included.
   * @throws {RotatingOAuthError} `closed`.
   */
  waitForRequests(path: string, count?: number): Promise<void>;
  audit(): Promise<OAuthAudit>;
}

interface Service {
  readonly desk: OAuthDesk;
  readonly model: string | undefined;
  readonly faults: FaultQueue;
  readonly waits: OAuthWaits;
  readonly requests: OAuthRequest[];
}

/**
 * Starts a login provider on loopback that punishes whoever uses a refresh token twice.
 * @throws {RotatingOAuthError} `invalid-options`, `no-such-account`, `cannot-listen`.
 */
export async function openRotatingOAuth(options: RotatingOAuthOptions = {}): Promise<RotatingOAuth> {
  const { accounts = defaultAccounts, approveDevices, model, ...rest } = parseRotatingOAuthOptions(options);
  const approver = approveDevices === 'nobody' ? undefined : findAccount(accounts, approveDevices);
  const server = createServer({ keepAliveTimeout: 0 });
  const issuer = `http://127.0.0.1:${await listen(server, rest.port ?? 0)}`;
  const now = Date.now;
  const desk: OAuthDesk = {
    issuer,
    accounts,
    approver,
    now,
    ledger: createTokenLedger({ onReuse: 'revoke-family', ...rest, issuer, clientId, now }),
    codes: createLoginCodes(),
    refusals: rest.refusals ?? 'openai',
    accessTokenMs: rest.accessTokenMs ?? 3_600_000,
  };
  const service: Service = {
    desk,
    model,
    faults: createFaultQueue(),
    waits: createOAuthWaits(),
    requests: [],
  };
  server.on(
    'request',
    (incoming, response) => void serve(incoming, response, service).catch(() => response.destroy()),
  );
  return control(issuer, server, service);
}

function control(issuer: string, server: Server, service: Service): RotatingOAuth {
  const { desk, faults, requests, waits } = service;
  const account = (id?: string): OAuthAccount => findAccount(desk.accounts, id);
  return {
    issuer,
    tokenUrl: `${issuer}/oauth/token`,
    backendUrl: `${issuer}/backend-api/`,
    modelUrl: `${issuer}/v1`,
    environment: (by) => oauthEnvironment(issuer, by),
    config: (providerConfig) => chatgptConfig(issuer, providerConfig),
    logIn: async (id, lifetimes) =>
      authJsonOf(desk.ledger.logIn(account(id), lifetimes), { accountId: account(id).id, now: desk.now() }),
    approveDevice: async (userCode, id) => desk.codes.approve(userCode, account(id)),
    async fail(...asked) {
      for (const fault of asked) faults.add(parseWith(oauthFaultSchema, fault, 'A fault'));
    },
    release: async (hold) => waits.release(hold),
    expireAccess: async (id) => desk.ledger.expireAccess(account(id).id),
    revoke: async (id) => desk.ledger.revoke({ accountId: account(id).id }),
    waitForRequests: (path, count = 1) =>
      waits.until(() => requests.filter((request) => request.path.endsWith(path)).length >= count),
    async audit() {
      const refreshTokens = desk.ledger.records();
      const spentTwice = refreshTokens.filter(({ presentations }) =>
        presentations.some(({ outcome }) => outcome === 'refresh_token_reused'),
      );
      return { requests: [...requests], refreshTokens, spentTwice, waitingDevices: desk.codes.waiting() };
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      waits.close();
      await closed;
    },
  };
}

async function serve(incoming: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const { desk, faults, model, requests, waits } = service;
  const body = await buffer(incoming);
  const request = readRequest(incoming, body.toString('utf8'));
  const fault = faults.next(request.path);
  const index = requests.length;
  const entry = { ...logged(request, desk.now()), ...(fault === undefined ? {} : { fault: fault.type }) };
  requests.push(entry);
  waits.changed();
  const isForModel = model !== undefined && fault === undefined && request.path.startsWith('/v1/');
  if (isForModel && desk.ledger.accessOf(request.bearer ?? '') !== undefined)
    return passToModel(incoming, response, { modelUrl: model, body });
  const work = (): ReturnType<typeof answerOAuth> =>
    isForModel ? unauthorized() : answerOAuth(request, desk);
  const status = await answerWithFault(response, work, { fault, held: (name) => waits.held(name) });
  if (status !== undefined) requests[index] = { ...entry, status };
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (cause) => {
    const message = `The OAuth server cannot listen on 127.0.0.1:${port} (${cause.message}). Leave out the port to get a free one.`;
    reject(new RotatingOAuthError('cannot-listen', message, { cause }));
  });
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

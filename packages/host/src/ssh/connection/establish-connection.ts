import type { Duplex } from 'node:stream';
import { type Algorithms, Client, type ConnectConfig } from 'ssh2';
import { HostError } from '../../host-error.ts';
import { timerMs } from '../../option-values.ts';
import type { Login, PreparedLogin } from '../login/log-in.ts';
import type { HostKeyCheck, HostKeyTrustee } from '../trust/host-key.ts';
import { type HostKeyGate, openHostKeyGate } from '../trust/host-key-gate.ts';
import { prepareCipherKeys } from './cipher-keys.ts';
import type { ConnectAttempt } from './connect-attempt.ts';
import type { Connection } from './connection.ts';
import { type ConnectionPhase, connectionFailure, said } from './connection-failure.ts';
import type { Transport } from './jump-host.ts';
import { watchSignsOfLife } from './sign-of-life.ts';
import { destinationLabel, type SshDestination } from './ssh-destination.ts';
import { drained } from './unsent-bytes.ts';

const KEEPALIVE_MS = 5_000;
/** How many spans without a sign of life mean that the link is dead: each begins with a question. */
const KEEPALIVE_MISSES = 3;
/** How long a connection that is closed may take to send its last bytes. */
const CLOSE_MS = 2_000;

export interface Establishing {
  readonly destination: SshDestination;
  readonly attempt: ConnectAttempt;
  readonly trustee: HostKeyTrustee;
  readonly check: HostKeyCheck;
  readonly algorithms: Algorithms;
  readonly login: PreparedLogin;
}

/** Speaks SSH over a stream: keys are exchanged, the host is verified, the user logs in. Whatever fails, the stream is destroyed. */
export async function establishConnection(transport: Transport, facts: Establishing): Promise<Connection> {
  const { destination, attempt } = facts;
  const { stream } = transport;
  const label = destinationLabel(destination);
  const client = new Client();
  const over = new AbortController();
  const ready = Promise.withResolvers<void>();
  // It may be rejected before anybody waits for it.
  ready.promise.catch(() => undefined);
  let phase: ConnectionPhase = 'handshake';
  let isOver = false;

  const lose = (failure: HostError): void => {
    if (isOver) return;
    isOver = true;
    transport.lost?.removeEventListener('abort', onWayLost);
    stream.destroy();
    login.over();
    transport.release();
    over.abort(failure);
    ready.reject(failure);
  };
  const login = facts.login.start(lose);
  const gate = openHostKeyGate({ ...facts, algorithms: destination.algorithms ?? {}, label, refuse: lose });
  const onAbort = (): void => lose(attempt.signal.reason);
  const onWayLost = (): void => lose(lostWithItsWay(label, transport.lost?.reason));

  listenTo(client, {
    lose,
    login,
    enter(next) {
      phase = next;
      attempt.at(`logging in to ${label}`);
    },
    failure: (cause) => connectionFailure({ label, phase, cause }),
    isLoggingIn: () => phase === 'login',
    ready: ready.resolve,
    destroy: () => void stream.destroy(),
  });
  client.on('handshake', ({ sc }) => {
    prepareCipherKeys(client);
    transport.cipherChanged?.(sc.cipher);
  });
  attempt.signal.addEventListener('abort', onAbort, { once: true });
  transport.lost?.addEventListener('abort', onWayLost, { once: true });
  attempt.at(`exchanging keys with ${label}`);
  try {
    stream.setMaxListeners(0);
    if (attempt.signal.aborted) onAbort();
    else if (transport.lost?.aborted) onWayLost();
    else client.connect({ ...settings(facts, stream), ...gated(gate, login) });
    await ready.promise;
  } catch (failure) {
    lose(failure instanceof HostError ? failure : connectionFailure({ label, phase, cause: failure }));
    throw over.signal.reason;
  } finally {
    attempt.signal.removeEventListener('abort', onAbort);
  }
  if (isOver) throw over.signal.reason;
  phase = 'open';
  login.succeeded();
  const watch = watchSignsOfLife(stream, {
    everyMs: timerMs(destination.keepaliveMs ?? KEEPALIVE_MS),
    misses: KEEPALIVE_MISSES,
    onSilence: () => lose(connectionFailure({ label, phase, cause: new Error('Keepalive timeout') })),
  });
  over.signal.addEventListener('abort', () => watch[Symbol.dispose](), { once: true });
  const close = (): void => {
    phase = 'closing';
    client.end();
    endSoon(stream, () => lose(connectionFailure({ label, phase, cause: undefined })));
  };
  return { client, lost: over.signal, drained: () => drained(stream), close };
}

interface Listening {
  readonly login: Login;
  lose(failure: HostError): void;
  enter(phase: 'login'): void;
  failure(cause: unknown): HostError;
  isLoggingIn(): boolean;
  ready(): void;
  destroy(): void;
}

function listenTo(
  client: Client,
  { login, lose, enter, failure, isLoggingIn, ready, destroy }: Listening,
): void {
  let wasReady = false;
  client.once('handshake', () => enter('login'));
  client.once('ready', () => {
    wasReady = true;
    ready();
  });
  client.on('error', (cause) => {
    if (!wasReady && isAboutOneKey(cause)) return;
    lose(isLoggingIn() && isRefusal(cause) ? login.refusal(`it said: ${said(cause)}`) : failure(cause));
  });
  // At its end the host says nothing any more, though the other direction may still be open, and stuck.
  client.once('end', destroy);
  client.once('close', () => lose(failure(undefined)));
  client.on('change password', () => {
    lose(login.refusal('the password: it has expired, and the host wants a new one first'));
  });
}

/** A key that could not be signed for: the next thing is tried, and the login says what happened. */
function isAboutOneKey(cause: Error): boolean {
  return 'level' in cause && (cause.level === 'agent' || cause.level === 'client-authentication');
}

/** SSH_DISCONNECT_PROTOCOL_ERROR, which is what OpenSSH says after too many attempts, and those of RFC 4253 that are about logging in. */
const REFUSALS: readonly unknown[] = [2, 14, 15];

function isRefusal(cause: Error): boolean {
  return 'code' in cause && REFUSALS.includes(cause.code);
}

function settings({ destination, algorithms }: Establishing, stream: Duplex): ConnectConfig {
  return {
    sock: stream,
    username: destination.user,
    // The time of the whole attempt is looked after elsewhere.
    readyTimeout: 0,
    keepaliveInterval: destination.keepaliveMs ?? KEEPALIVE_MS,
    // It asks only. An answer that waits behind a large upload is no sign of death.
    keepaliveCountMax: Number.POSITIVE_INFINITY,
    algorithms,
  };
}

function gated(gate: HostKeyGate, login: Login): ConnectConfig {
  return {
    hostVerifier: gate.verify,
    authHandler: (methods, partial, proceed) => {
      void gate.passed().then((passed) => {
        if (passed) login.next(methods, partial, proceed);
      });
    },
  };
}

function lostWithItsWay(label: string, reason: unknown): HostError {
  return new HostError(
    'host-lost',
    `The connection to ${label} was lost with that to its jump host: ${said(reason)}.`,
    {
      cause: reason,
    },
  );
}

/** A socket is destroyed when its last bytes are sent; whatever is not by then, after a while. */
function endSoon(stream: Duplex, onEnd: () => void): void {
  const timer = setTimeout(onEnd, CLOSE_MS);
  timer.unref();
  stream.once('close', () => {
    clearTimeout(timer);
    onEnd();
  });
  if ('destroySoon' in stream && typeof stream.destroySoon === 'function') stream.destroySoon();
}

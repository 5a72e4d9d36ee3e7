import pRetry from 'p-retry';
import { throwIfAborted } from '../../abort.ts';
import { HostError, type HostErrorCode } from '../../host-error.ts';
import type { Connection, Connector } from '../connection/connection.ts';
import { isUnaskedLogin } from '../login/log-in.ts';
import type { LinkChange } from './link-change.ts';
import { createLiveConnection, type LiveConnection } from './live-connection.ts';
import { createWaiters } from './waiters.ts';

/** All connections to one host: opened when they are needed, opened anew when they break, closed when they are idle. */
export interface Connections {
  /** Those that are up, the oldest first. */
  readonly live: readonly LiveConnection[];
  /** Aborts when the host is gone for good, with the `HostError` as its reason. */
  readonly lost: AbortSignal;
  /**
   * Looks again whenever something has changed, until there is what is looked for.
   *
   * @throws {HostError} `timeout` when that takes too long, `host-lost` when there was no connection for so long, `aborted`; why the host refuses a further
   * connection, where it does for good and no place comes free on those that are up.
   */
  whenThere<T>(signal: AbortSignal | undefined, look: () => T | undefined): Promise<T>;
  /** One with room for a session. Where there is none, room is being made: look again. */
  withRoom(): LiveConnection | undefined;
  close(): void;
}

export interface ConnectionsOptions {
  readonly connector: Connector;
  readonly maxConnections: number;
  /** How long to wait for a free place, or for a connection while there is none. */
  readonly waitMs: number;
  /** How long a file operation may take, and the answer to anything else that is asked. */
  readonly operationTimeoutMs: number;
  /** After how long a further connection that nobody uses is closed. */
  readonly idleMs: number;
  /** For how long a host that cannot be reached is tried again. */
  readonly reconnectForMs: number;
  readonly onChange: (change: LinkChange) => void;
}

/** How many waiting shells are kept ready on each connection. */
export const READY_SHELLS = 2;
/** After a further connection could not be opened, how long none is tried. */
const GROWTH_PAUSE_MS = 5_000;
/**
 * Where the host refuses a further connection for good, how long somebody waits for a place on those that are up while nothing changes. Commands that end soon
 * take turns there; behind those that stay, nobody has to wait to be told.
 */
const REFUSED_PATIENCE_MS = 2_000;
/** Trying again does not help. */
const FINAL_CODES: ReadonlySet<HostErrorCode> = new Set([
  'host-key-unknown',
  'host-key-changed',
  'permission-denied',
  'unsupported',
  'invalid-command',
  'invalid-config',
  'invalid-path',
]);

export function createConnections(first: Connection, options: ConnectionsOptions): Connections {
  const { connector, maxConnections, waitMs } = options;
  const over = new AbortController();
  const live: LiveConnection[] = [];
  const waiters = createWaiters();
  let growing: Promise<void> | undefined;
  let growthFailure: HostError | undefined;
  let growthPausedUntil = 0;
  let growthPause: NodeJS.Timeout | undefined;
  /** Whether it was said that there is no connection, and not yet that there is one again. */
  let isInterrupted = false;

  const finish = (cause: HostError): void => {
    if (over.signal.aborted) return;
    over.abort(cause);
    clearTimeout(growthPause);
    for (const one of live.splice(0)) one.close();
    waiters.wakeAll();
  };
  const add = (connection: Connection): void => {
    if (over.signal.aborted) {
      connection.close();
      return;
    }
    const one = createLiveConnection(connection, {
      answerWithinMs: options.operationTimeoutMs,
      onFreed() {
        waiters.wakeAll();
        closeWhenIdle(one);
      },
    });
    live.push(one);
    growthFailure = undefined;
    connection.lost.addEventListener('abort', () => drop(one), { once: true });
    if (live.length === 1) one.keepReady(READY_SHELLS);
    waiters.wakeAll();
  };
  const drop = (one: LiveConnection): void => {
    const at = live.indexOf(one);
    if (at < 0) return;
    live.splice(at, 1);
    const cause: HostError = one.connection.lost.reason;
    if (live.length === 0 && !over.signal.aborted) {
      isInterrupted = true;
      options.onChange({ state: 'interrupted', cause });
      grow();
    }
    waiters.wakeAll();
  };
  /** The one that has been there longest stays: forwarded connections run over it. */
  const closeWhenIdle = (one: LiveConnection): void => {
    if (one.inUse > 0 || live[0] === one) return;
    const timer = setTimeout(() => {
      if (one.inUse > 0 || live[0] === one || !live.includes(one)) return;
      // What is done with files over it would break off, and nobody would know how far it had come.
      if (one.isAsked) return closeWhenIdle(one);
      live.splice(live.indexOf(one), 1);
      one.close();
    }, options.idleMs);
    timer.unref();
  };
  const grow = (): void => {
    if (growing !== undefined || over.signal.aborted) return;
    const isReconnection = live.length === 0;
    growing = pRetry(() => connector.connect(over.signal), {
      retries: isReconnection ? Number.POSITIVE_INFINITY : 0,
      minTimeout: 200,
      maxTimeout: 15_000,
      randomize: true,
      maxRetryTime: options.reconnectForMs,
      signal: over.signal,
      shouldRetry: ({ error }) => !isFinal(error) || (isReconnection && isUnaskedLogin(error)),
    }).then(
      (connection) => {
        add(connection);
        if (!isInterrupted || over.signal.aborted) return;
        isInterrupted = false;
        options.onChange({ state: 'restored' });
      },
      (failure) => {
        if (over.signal.aborted) return;
        growthFailure = asHostError(failure);
        growthPausedUntil = performance.now() + GROWTH_PAUSE_MS;
        if (live.length > 0) {
          // Who waits for a place then tries again: nothing else may change until then.
          clearTimeout(growthPause);
          growthPause = setTimeout(() => {
            growthPausedUntil = 0;
            waiters.wakeAll();
          }, GROWTH_PAUSE_MS).unref();
          return;
        }
        if (isReconnection) {
          const cause = isFinal(failure) ? growthFailure : givenUp(growthFailure);
          options.onChange({ state: 'gone', cause });
          finish(cause);
        } else growthPausedUntil = 0;
      },
    );
    void growing.then(() => {
      growing = undefined;
      if (live.length === 0) grow();
      waiters.wakeAll();
    });
  };
  const givenUp = (cause: HostError): HostError => {
    const story = `${connector.label} could not be reached again within ${options.reconnectForMs} ms`;
    return new HostError('host-lost', `${story}: ${cause.message}`, { cause });
  };
  const refuse = (): HostError => {
    if (live.length > 0)
      return full(connector.label, { connections: live.length, ...options, growthFailure });
    return new HostError(
      'host-lost',
      `${connector.label} could not be reached for ${waitMs} ms, so that nothing was asked of it; it is still being tried.`,
    );
  };
  const isRefusedGrowth = (): boolean => live.length > 0 && growing === undefined && isFinal(growthFailure);
  /** Looks again whenever something has changed, until there is what is looked for. */
  const whenThere = async <T>(signal: AbortSignal | undefined, look: () => T | undefined): Promise<T> => {
    const deadline = AbortSignal.timeout(waitMs);
    let patience: AbortSignal | undefined;
    for (;;) {
      over.signal.throwIfAborted();
      throwIfAborted(signal, 'open a session');
      const found = look();
      if (found !== undefined) return found;
      if (deadline.aborted || (patience?.aborted && isRefusedGrowth())) throw refuse();
      patience = isRefusedGrowth() ? AbortSignal.timeout(REFUSED_PATIENCE_MS) : undefined;
      await waiters.woken([deadline, patience, signal].filter((each) => each !== undefined));
    }
  };
  const withRoom = (): LiveConnection | undefined => {
    const one = live.find((candidate) => candidate.hasRoom());
    if (one !== undefined) return one;
    if (live.some((candidate) => candidate.dropReady())) return undefined;
    if (live.length < maxConnections && performance.now() >= growthPausedUntil) grow();
    return undefined;
  };
  add(first);
  return {
    live,
    lost: over.signal,
    whenThere,
    withRoom,
    close() {
      finish(new HostError('host-lost', `The host ${connector.label} was closed.`));
    },
  };
}

function isFinal(failure: unknown): boolean {
  return failure instanceof HostError && FINAL_CODES.has(failure.code);
}

function asHostError(failure: unknown): HostError {
  if (failure instanceof HostError) return failure;
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new HostError('host-lost', `The host cannot be reached any more: ${reason}`, { cause: failure });
}

interface Fullness {
  readonly connections: number;
  readonly maxConnections: number;
  readonly waitMs: number;
  readonly growthFailure: HostError | undefined;
}

/** Why there is no place: that more connections are refused, or cannot be had now, or may not be opened. */
function full(label: string, { connections, maxConnections, waitMs, growthFailure }: Fullness): HostError {
  const all = connections === 1 ? 'the one connection' : `all ${connections} connections`;
  if (growthFailure !== undefined) {
    const refused = isFinal(growthFailure) ? 'is refused' : 'failed';
    return new HostError(
      isFinal(growthFailure) ? growthFailure.code : 'timeout',
      `A further connection to ${label} ${refused}, and no place came free on ${all} to it: ${growthFailure.message}`,
      { cause: growthFailure },
    );
  }
  const advice =
    connections < maxConnections
      ? 'The next one was still being opened.'
      : 'Allow more of them (maxConnections), or run less at once.';
  return new HostError('timeout', `No place came free within ${waitMs} ms on ${all} to ${label}. ${advice}`);
}

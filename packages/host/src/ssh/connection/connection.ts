import type { Client } from 'ssh2';
import { createLoginPlan } from '../login/log-in.ts';
import { createHostKeyTrustee } from '../trust/host-key.ts';
import { algorithmsToOffer } from './algorithms.ts';
import { checkDestination } from './check-destination.ts';
import { type ConnectAttempt, startConnectAttempt, untilAborted } from './connect-attempt.ts';
import { establishConnection } from './establish-connection.ts';
import { throughJumpHost, type Way } from './jump-host.ts';
import { openSocket } from './open-socket.ts';
import { destinationLabel, hopsTo, type SshDestination } from './ssh-destination.ts';

/** One SSH connection. */
export interface Connection {
  readonly client: Client;
  /** Aborts when the connection is gone, with the `HostError` as its reason. By then its socket is destroyed. */
  readonly lost: AbortSignal;
  /** Resolves when little enough waits to be sent. ssh2 itself takes as much as the windows of the channels allow, however slow the link is. */
  drained(): Promise<void>;
  /** Sends what is still to be sent, and lets go. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 20_000;

/** Opens connections to one destination, again and again: what was asked and accepted once is remembered. */
export interface Connector {
  /** `user@host:port`. */
  readonly label: string;
  /**
   * @throws {HostError} `host-key-unknown`, `host-key-changed`, `permission-denied`, `timeout`, `aborted`, `host-lost`, `unsupported`, `invalid-config`, `io`.
   */
  connect(signal?: AbortSignal): Promise<Connection>;
}

/** @throws {HostError} `invalid-config`. */
export function createConnector(destination: SshDestination): Connector {
  checkDestination(destination);
  const label = destinationLabel(destination);
  const timeoutMs = destination.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const way = hopsTo(destination).reduce<Way>((before, hop) => {
    const open = opener(hop, before);
    return throughJumpHost(destinationLabel(hop), open);
  }, directly);
  const open = opener(destination, way);
  return {
    label,
    async connect(signal) {
      using attempt = startConnectAttempt({ label, timeoutMs, signal });
      return await open(attempt);
    },
  };
}

const directly: Way = async (to, attempt) => {
  const { socket, cipherChanged } = await openSocket(to, attempt);
  return { stream: socket, cipherChanged, release: () => undefined };
};

type Opener = (attempt: ConnectAttempt) => Promise<Connection>;

function opener(destination: SshDestination, way: Way): Opener {
  const { host, port = 22, user, auth, algorithms: lists = {} } = destination;
  const label = destinationLabel(destination);
  const trustee = createHostKeyTrustee(host, port, destination.hostKey);
  const plan = createLoginPlan({ user, label, auth, algorithms: lists });
  return async (attempt) => {
    const check = await untilAborted(attempt.signal, () => trustee.look());
    const algorithms = algorithmsToOffer(lists, check.preferredTypes);
    // What can be seen to be wrong here is said before anything is sent anywhere.
    const login = await plan.prepare(attempt);
    const transport = await way({ host, port }, attempt);
    return await establishConnection(transport, { destination, attempt, trustee, check, algorithms, login });
  };
}

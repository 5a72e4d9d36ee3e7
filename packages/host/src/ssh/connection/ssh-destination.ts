import type { SshAuthentication } from '../login/authentication.ts';
import type { HostKeyTrust } from '../trust/host-key.ts';
import type { OfferedAlgorithms } from './offered-algorithms.ts';

/** Where an SSH server is, how it proves to be itself, and how the user does. */
export interface SshDestination {
  /** A name or an address. Behind a jump host it is that host which looks the name up. */
  readonly host: string;
  /** 22 by default. */
  readonly port?: number;
  readonly user: string;
  readonly auth: SshAuthentication;
  readonly hostKey: HostKeyTrust;
  /**
   * The hosts on the way, in the order in which they are passed. Each is verified by its own `hostKey` and logged in to by its own `auth`: what passes through it, it
   * cannot read. All connections of one host share one connection to each of them.
   */
  readonly jump?: SshDestination | readonly SshDestination[];
  /** How often the host is asked for a sign of life, in milliseconds; after three without one the link is lost. 5,000 by default. */
  readonly keepaliveMs?: number;
  /**
   * How long connecting may take, in milliseconds, from the look-up of the name to the end of the login, with all jump hosts; those have no time of their own.
   * While somebody is asked, for a password or about a key, the time stands still. 20,000 by default.
   */
  readonly connectTimeoutMs?: number;
  /** Which of the algorithms that are offered anyway may be used. All by default. */
  readonly algorithms?: OfferedAlgorithms;
}

/** `user@host:port`, as messages call it. */
export function destinationLabel({ user, host, port = 22 }: SshDestination): string {
  return `${user}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** All hosts on the way to a destination, those of its jump hosts before them. */
export function hopsTo({ jump = [] }: SshDestination): readonly SshDestination[] {
  const hops = isList(jump) ? jump : [jump];
  return hops.flatMap((hop) => [...hopsTo(hop), hop]);
}

function isList(jump: SshDestination | readonly SshDestination[]): jump is readonly SshDestination[] {
  return Array.isArray(jump);
}

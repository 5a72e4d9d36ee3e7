import type { SshAuthentication } from './authentication.ts';
import type { HostKeyTrust } from './host-key.ts';

/** Where an SSH server is, how it proves to be itself, and how the user does. */
export interface SshDestination {
  /** A name or an address. */
  readonly host: string;
  /** 22 by default. */
  readonly port?: number;
  readonly user: string;
  readonly auth: SshAuthentication;
  readonly hostKey: HostKeyTrust;
  /** How often the host is asked for a sign of life, in milliseconds; after three without one the link is lost. 5,000 by default. */
  readonly keepaliveMs?: number;
  /** How long connecting may take, in milliseconds. 20,000 by default. */
  readonly connectTimeoutMs?: number;
}

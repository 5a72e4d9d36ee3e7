import { isIP } from 'node:net';
import { HostError } from '../../host-error.ts';
import { scriptOutput } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';

/** The addresses of the host on which somebody listens at this port, as they stand in /proc/net/tcp and tcp6: see proc(5). */
export async function boundAddresses(
  link: SshLink,
  port: number,
  attempt: string,
): Promise<ReadonlySet<string>> {
  const digits = port.toString(16).toUpperCase().padStart(4, '0');
  // State 0A is TCP_LISTEN.
  const line = `^ *[0-9]+: [0-9A-F]+:${digits} [0-9A-F]+:0000 0A `;
  const script = `[ -r /proc/net/tcp ] || exit 1; grep -hE '${line}' /proc/net/tcp /proc/net/tcp6 2>/dev/null; :`;
  const output = await scriptOutput(link, script, { attempt, repeatable: true });
  return localAddresses(output.toString('latin1'));
}

/** The local addresses in lines of /proc/net/tcp and tcp6. */
export function localAddresses(lines: string): ReadonlySet<string> {
  const addresses = new Set<string>();
  for (const [, hex] of lines.matchAll(/^ *[0-9]+: ([0-9A-F]+):/gm)) {
    if (hex !== undefined) addresses.add(addressOf(hex));
  }
  return addresses;
}

/**
 * Says whether sshd keeps to an address that it was asked to listen on. It may not, without a word: with `GatewayPorts no` it takes a loopback address
 * for any other, with `GatewayPorts yes` all addresses for any.
 *
 * @throws {HostError} `permission-denied` or `unsupported`.
 */
export function checkBoundAddress(address: string, bound: ReadonlySet<string>, attempt: string): void {
  const wanted = canonicalAddress(address);
  if (!WILDCARDS.has(wanted) && WILDCARDS.intersection(bound).size > 0) {
    throw new HostError(
      'unsupported',
      `Could not ${attempt}: its sshd opens every forwarded port to the network (GatewayPorts yes). Use a socket, or have it say "GatewayPorts clientspecified".`,
    );
  }
  if (bound.has(wanted)) return;
  throw new HostError(
    'permission-denied',
    `Could not ${attempt}: its sshd listens on a loopback address instead (GatewayPorts no). Have it say "GatewayPorts clientspecified".`,
  );
}

/** Whether nobody else can listen at the address. */
export function isBound(address: string, bound: ReadonlySet<string>): boolean {
  const wanted = canonicalAddress(address);
  return (
    bound.has(wanted) || WILDCARDS.intersection(bound).size > 0 || (WILDCARDS.has(wanted) && bound.size > 0)
  );
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/** One spelling for each address: an IPv6 address has many. */
function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname : address;
}

/** From the words of the machine's own byte order, which is little-endian on the machines that are hosts. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length === 4) return [...bytes.reverse()].join('.');
  const groups = bytes.swap32().toString('hex').match(/.{4}/g) ?? [];
  return canonicalAddress(groups.join(':'));
}

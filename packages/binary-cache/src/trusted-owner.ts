import type { FileStat, Host } from '@seedbed/host';

/** Whether nobody but the host's user and root can have written it. */
export function isTrusted(found: FileStat, host: Pick<Host, 'uid'>): boolean {
  return (found.uid === host.uid || found.uid === 0) && (found.mode & 0o022) === 0;
}

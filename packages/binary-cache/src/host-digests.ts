import { type Host, type HostPath, run } from '@seedbed/host';
import { requireSuccess } from './host-command.ts';

const script = `
cd "$1" || exit 1
if command -v sha256sum >/dev/null 2>&1; then find . -type f -exec sha256sum {} +
elif command -v shasum >/dev/null 2>&1; then find . -type f -exec shasum -a 256 {} +
else echo 'neither sha256sum nor shasum is installed' >&2; exit 1
fi`;

/** The sha256 of every file below a folder, computed on the host. By path relative to the folder. */
export async function digestsOnHost(
  host: Host,
  root: HostPath,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const result = await run(
    host,
    { argv: ['sh', '-c', script, 'sh', root], env: { LC_ALL: 'C' } },
    { signal, maxOutputBytes: 16_000_000, timeoutMs: 10 * 60_000 },
  );
  requireSuccess(result, `Verifying ${root}`);
  const digests = new Map<string, string>();
  for (const line of result.stdout.split('\n')) {
    const found = /^([0-9a-f]{64}) [ *]\.\/(.*)$/.exec(line);
    if (found?.[1] !== undefined && found[2] !== undefined) digests.set(found[2], found[1]);
  }
  return digests;
}

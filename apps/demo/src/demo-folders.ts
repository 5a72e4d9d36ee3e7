import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type BinaryCache, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { type Host, type HostPath, hostPath, joinHostPath } from '@seedbed/host';
import { DemoError } from './demo-error.ts';

/** The root of this checkout, and its folder for what is fetched and made, which git ignores. */
const repository = resolve(import.meta.dirname, '../../..');
const ignored = resolve(repository, '.cache');

export interface DemoFolders {
  /** The sample repository; Codex's home is in it too. */
  readonly workdir: HostPath;
  /** For the test as it was made. Not made before Codex has ended. */
  readonly check: HostPath;
}

/** A cache of this checkout alone, downloads included, or the one that the person named. */
export function demoBinaryCache(named: string | undefined): BinaryCache {
  if (named !== undefined) {
    return createBinaryCache({ sources: [npmRegistrySource()], directory: hostPath(named) });
  }
  return createBinaryCache({
    sources: [npmRegistrySource({ directory: resolve(ignored, 'downloads') })],
    directory: hostPath(resolve(ignored, 'codex')),
  });
}

/**
 * Makes the folders of one run. Not among the temporary ones of the machine: Codex refuses to keep its helpers there.
 * @throws {DemoError} `workdir-taken`.
 */
export async function makeDemoFolders(
  host: Host,
  { workdir, startedIn }: { readonly workdir: string | undefined; readonly startedIn: string },
): Promise<DemoFolders> {
  const name = randomBytes(workdir === undefined ? 4 : 16).toString('hex');
  const run =
    workdir === undefined
      ? hostPath(resolve(ignored, 'demo', name))
      : joinHostPath(host.tmp, `seedbed-demo-${name}`);
  const sample = workdir === undefined ? joinHostPath(run, 'basket') : hostPath(resolve(startedIn, workdir));
  await refuseTaken(host, sample);
  await host.makeDirectory(sample, { mode: 0o700 });
  return {
    workdir: await host.canonicalize(sample),
    check: workdir === undefined ? joinHostPath(run, 'check') : run,
  };
}

async function refuseTaken(host: Host, folder: HostPath): Promise<void> {
  const stat = await host.stat(folder, { followLinks: true });
  if (stat === undefined) return;
  if (stat.kind === 'directory') {
    let empty = true;
    for await (const _ of host.list(folder)) {
      empty = false;
      break;
    }
    if (empty) return;
  }
  throw new DemoError(
    'workdir-taken',
    `--workdir ${folder} is not an empty folder. Name one that is empty, or that is not there yet.`,
  );
}

import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type FileStat, type Host, HostError, type HostPath, relativeHostPath, run } from '@seedbed/host';
import { succeeded, throwIfLost } from './host-command.ts';
import { parseSurvey, type SeenCache, surveyScript } from './survey-script.ts';
import { filesName, manifestName } from './tree-manifest.ts';

/** What looking for a binary asks of a host. */
export type CacheFiles = Pick<Host, 'uid' | 'platform' | 'stat' | 'readLink' | 'readFile' | 'canonicalize'>;

/** What one command on the host told of the cache. */
export interface CacheSurvey {
  /** Answers from it, and asks the host for what is not in it. */
  readonly files: CacheFiles;
  /** The tree that it marked as used before it looked at it. */
  readonly marked: string | undefined;
}

/** Where an answer takes longer, starting a few programs there is quicker than asking again and again. */
const farMs = 2;
const maxBytes = 48_000_000;

/**
 * Looks with one command at the cache's folders, at the first of these entries that is there, and at the whole tree that it leads to: one round trip,
 * whatever the number of files. The tree is marked as used before it is looked at, so that an eviction has either taken it by then or sees the mark.
 *
 * `undefined` where the host is near (asking it in turn is quicker), where there are no tools for it, and where there is no cache.
 */
export async function surveyCache(
  host: Host,
  cache: HostPath,
  options: { readonly entries: readonly string[]; readonly signal: AbortSignal },
): Promise<CacheSurvey | undefined> {
  if (host.platform.os !== 'linux' || (await isNear(host, cache))) return undefined;
  const command = {
    argv: ['sh', '-c', surveyScript, 'sh', cache, ...options.entries],
    env: { LC_ALL: 'C' },
  } as const;
  const result = await run(host, command, { signal: options.signal, maxOutputBytes: maxBytes }).catch(
    (error: unknown) => {
      if (error instanceof HostError && cannotStart.has(error.code)) return undefined;
      throw error;
    },
  );
  if (result === undefined) return undefined;
  throwIfLost(result, `Looking at the cache in ${cache}`);
  const seen = succeeded(result) && !result.truncated ? parseSurvey(result.stdout) : undefined;
  return seen && { files: answersFrom(seen, host, options.entries), marked: seen.tree?.name };
}

const cannotStart: ReadonlySet<string> = new Set([
  'command-not-found',
  'command-not-executable',
  'not-found',
  'not-a-directory',
  'permission-denied',
]);

async function isNear(host: Host, path: HostPath): Promise<boolean> {
  const answered = host.stat(path).then(
    () => true,
    () => true,
  );
  const impatient = delay(farMs).then(async () => {
    // In a busy program the answer may have come already and not be read yet.
    await setImmediate();
    return false;
  });
  return await Promise.race([answered, impatient]);
}

function answersFrom(seen: SeenCache, host: Host, entries: readonly string[]): CacheFiles {
  const { root, facts, tree, target } = seen;
  const place = tree === undefined ? undefined : `trees/${tree.name}`;
  const known = (relative: string): boolean =>
    topFolders.has(relative) ||
    (place !== undefined &&
      (relative === place ||
        relative === `${place}/${manifestName}` ||
        `${relative}/`.startsWith(`${place}/${filesName}/`)));
  const within = (path: HostPath): string => relativeHostPath(root, path) ?? '..';
  return {
    uid: host.uid,
    platform: host.platform,
    canonicalize: async () => root,
    stat: async (path): Promise<FileStat | undefined> =>
      known(within(path)) ? facts.get(within(path)) : await host.stat(path),
    readLink: async (path) => {
      const at = entries.findIndex((name) => `entries/${name}` === within(path));
      if (at >= 0 && at < seen.absent) throw new HostError('not-found', `There is no ${path}.`);
      return at === seen.absent && target !== undefined ? target : await host.readLink(path);
    },
    readFile: async (path, options) =>
      tree?.manifest !== undefined && within(path) === `${place}/${manifestName}`
        ? ReadableStream.from([new TextEncoder().encode(tree.manifest)])
        : await host.readFile(path, options),
  };
}

const topFolders: ReadonlySet<string> = new Set(['', 'entries', 'trees', 'incoming']);

import type { HostFiles } from './host.ts';
import { HostError } from './host-error.ts';
import { type HostPath, hostPath, hostPathName, joinHostPath, parentHostPath } from './host-path.ts';

/**
 * The files of a host below `root`, and no others. Every path is resolved on the host, links included, before it is used;
 * one that leaves the root is refused with `outside-root`, and so is a link that would lead out.
 *
 * It holds against whatever `..` and links are there when a method is called. It does not hold against a process on the host that exchanges
 * a folder for a link between the resolving and the use: where such a process runs, stop it first, or work on a copy that it cannot reach.
 */
export function confine(host: HostFiles, root: HostPath): HostFiles {
  /** What the path leads to, its last segment followed. */
  const target = (path: HostPath): Promise<HostPath> => host.canonicalize(path, { within: root });
  /** The entry itself, which may be a link: only the folder that holds it is followed. */
  const entry = async (path: HostPath): Promise<HostPath> => {
    const folder = await host.canonicalize(parentHostPath(path), { within: root });
    return joinHostPath(folder, hostPathName(path));
  };
  const entryOrRoot = async (path: HostPath): Promise<HostPath> =>
    path === root ? await target(path) : await entry(path);

  return {
    readFile: async (path, options) => await host.readFile(await target(path), options),
    writeFile: async (path, body, options) => await host.writeFile(await entry(path), body, options),
    async stat(path, options) {
      const resolved = await ifPresent(options?.followLinks ? target(path) : entryOrRoot(path));
      return resolved && (await host.stat(resolved, options));
    },
    async *list(path) {
      yield* host.list(await target(path));
    },
    makeDirectory: async (path, options) =>
      await host.makeDirectory(await leadsWithin(host, root, path), options),
    async remove(path, options) {
      const resolved = await ifPresent(entry(path));
      if (resolved !== undefined) await host.remove(resolved, options);
    },
    rename: async (from, to) => await host.rename(await entry(from), await entry(to)),
    async link(path, targetText, options) {
      const at = await entry(path);
      if (options?.hard) return await host.link(at, await entry(hostPath(targetText)), options);
      await leadsWithin(host, root, linkDestination(at, targetText));
      return await host.link(at, targetText);
    },
    readLink: async (path) => await host.readLink(await entry(path)),
    setMode: async (path, mode) => await host.setMode(await target(path), mode),
    setModified: async (path, modifiedMs) => await host.setModified(await entryOrRoot(path), modifiedMs),
    async canonicalize(path, options) {
      const resolved = await target(path);
      return options?.within === undefined ? resolved : await host.canonicalize(resolved, options);
    },
    async *watch(path, options) {
      yield* host.watch(await target(path), options);
    },
  };
}

/** Where a path leads of which any number of the last segments do not exist. */
async function leadsWithin(host: HostFiles, root: HostPath, path: HostPath): Promise<HostPath> {
  try {
    return await host.canonicalize(path, { within: root });
  } catch (failure) {
    if (!isMissing(failure) || path === '/') throw failure;
    return joinHostPath(await leadsWithin(host, root, parentHostPath(path)), hostPathName(path));
  }
}

/** What a new symbolic link in a folder without links on its way would lead to. */
function linkDestination(at: HostPath, targetText: string): HostPath {
  const segments = targetText.split('/').filter((segment) => segment !== '' && segment !== '.');
  const firstName = segments.findIndex((segment) => segment !== '..');
  if (firstName !== -1 && segments.indexOf('..', firstName) !== -1) {
    throw new HostError(
      'outside-root',
      `Did not link ${at} to ${JSON.stringify(targetText)}: with ".." behind a name it may lead anywhere.`,
    );
  }
  return targetText.startsWith('/') ? hostPath(targetText) : joinHostPath(parentHostPath(at), targetText);
}

async function ifPresent(resolved: Promise<HostPath>): Promise<HostPath | undefined> {
  try {
    return await resolved;
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    throw failure;
  }
}

function isMissing(failure: unknown): boolean {
  return failure instanceof HostError && (failure.code === 'not-found' || failure.code === 'not-a-directory');
}

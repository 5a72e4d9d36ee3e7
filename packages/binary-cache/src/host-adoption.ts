import { randomUUID } from 'node:crypto';
import {
  type FileStat,
  type Host,
  HostError,
  type HostPath,
  hostPath,
  joinHostPath,
  parentHostPath,
} from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinarySource, SourceRequest } from './binary-source.ts';
import { checkProgram } from './functional-check.ts';
import { hostFailure } from './host-failure.ts';
import { abortedError } from './single-flight.ts';
import { statAll, walkTree } from './tree-walk.ts';
import { isTrusted } from './trusted-owner.ts';

/**
 * A binary that is installed on the host already. It is looked for on the host's PATH, accepted only with its whole tree and after it has
 * proved its product and version, and copied into the cache: an update of the original does not reach running tasks.
 *
 * A launcher script is never taken for the program; the tree that it starts is looked for where its installer puts it.
 */
export function hostAdoption(): BinarySource {
  return {
    name: 'host',
    origin: 'adopted',
    evidence: { kind: 'functional', tag: 'adopted' },
    obtain: async (request) => {
      const { host, release, signal, report } = request;
      report({ phase: 'resolve', bytes: 0 });
      const reasons: string[] = [];
      const candidates = await onPath(host, release.name);
      for (const candidate of candidates) {
        if (signal.aborted) throw abortedError(signal);
        const judged = await judge(request, candidate).catch((error: unknown) => {
          throw hostFailure(error, `Looking at ${candidate}`, signal);
        });
        if (judged.kind === 'accepted') return { kind: 'host-tree', path: judged.tree };
        reasons.push(`${candidate}: ${judged.reason}`);
      }
      throw new BinaryCacheError(
        'source-refused',
        candidates.length === 0
          ? `There is no \`${release.name}\` on the PATH of ${host.label}.`
          : `No \`${release.name}\` on the PATH of ${host.label} can be adopted. ${reasons.join('; ')}.`,
      );
    },
  };
}

type Judgement =
  | { readonly kind: 'accepted'; readonly tree: HostPath }
  | { readonly kind: 'refused'; readonly reason: string };

/** What the names on the PATH really lead to, each once. */
async function onPath(host: Host, name: string): Promise<readonly HostPath[]> {
  const found = new Set<HostPath>();
  for (const folder of (host.env['PATH'] ?? '').split(':')) {
    if (!folder.startsWith('/')) continue;
    const named = joinHostPath(hostPath(folder), name);
    const file = await host.stat(named, { followLinks: true }).catch(ignoreHostError);
    if (file?.kind !== 'file' || (file.mode & 0o111) === 0) continue;
    const real = await host.canonicalize(named).catch(ignoreHostError);
    if (real !== undefined) found.add(real);
  }
  return [...found];
}

async function judge(request: SourceRequest, program: HostPath): Promise<Judgement> {
  const { host, artifact } = request;
  const inTree = artifact.executable.slice(artifact.tree.length);
  if (await isNativeProgram(host, program)) {
    if (!program.endsWith(inTree))
      return refused(`it does not lie in a tree as ${inTree.slice(1)}: a lone binary lacks its companions`);
    return judgeTree(request, hostPath(program.slice(0, -inTree.length) || '/'));
  }
  const reasons: string[] = [];
  for (const relative of artifact.behindLauncher ?? []) {
    const named = joinHostPath(parentHostPath(program), relative);
    const tree = await host.canonicalize(named).catch(ignoreHostError);
    if (tree === undefined || (await host.stat(tree))?.kind !== 'directory') continue;
    const judged = await judgeTree(request, tree);
    if (judged.kind === 'accepted') return judged;
    reasons.push(judged.reason);
  }
  if (reasons.length > 0)
    return refused(`it is a launcher script, and of what it starts: ${reasons.join(', ')}`);
  return refused('it is a launcher script, and the program that it starts was not found');
}

async function judgeTree(request: SourceRequest, tree: HostPath): Promise<Judgement> {
  const { host, release, artifact, limits, signal } = request;
  const inTree = (path: string): string => path.slice(artifact.tree.length + 1);
  const needed = [artifact.executable, ...artifact.companions].map(inTree);
  for (const [path, found] of await statAll(host, tree, needed)) {
    if (found?.kind !== 'file' || (found.mode & 0o100) === 0) return refused(`${path} is missing in ${tree}`);
  }
  try {
    const walked = await walkTree(host, tree, limits);
    for (const [path, found] of [...walked.directories, ...walked.files]) {
      if (!isOwn(found, host))
        return refused(`${tree}/${path} can be written by everybody, or is somebody else's`);
    }
    const executable = joinHostPath(tree, inTree(artifact.executable));
    if (!(await isNativeProgram(host, executable)))
      return refused(`${executable} is not a program for this machine`);
    await checkInScratch(request, executable);
    return { kind: 'accepted', tree };
  } catch (error) {
    if (signal.aborted || !(error instanceof BinaryCacheError)) throw error;
    return refused(error.message.replace(/\.$/, '') || `${release.name} does not run`);
  }
}

async function checkInScratch(
  { host, release, scratch, signal }: SourceRequest,
  executable: HostPath,
): Promise<void> {
  const home = joinHostPath(scratch, `adoption-${randomUUID()}`);
  await host.makeDirectory(home, { mode: 0o700 });
  try {
    await checkProgram(host, release, executable, { home, signal });
  } finally {
    await host.remove(home, { recursive: true }).catch(() => undefined);
  }
}

/** Less strict than in the cache: umask 002 and Homebrew leave what they install writable by a group, and the copy is not. */
function isOwn(found: FileStat, host: Host): boolean {
  return isTrusted({ ...found, mode: found.mode & ~0o020 }, host);
}

const nativeMagic = new Set(['7f454c46', 'cffaedfe', 'cafebabe']);

/** ELF, Mach-O, or a universal Mach-O. */
async function isNativeProgram(host: Host, path: HostPath): Promise<boolean> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await host.readFile(path, { length: 4 })) chunks.push(chunk);
  return nativeMagic.has(Buffer.concat(chunks).subarray(0, 4).toString('hex'));
}

function refused(reason: string): Judgement {
  return { kind: 'refused', reason };
}

function ignoreHostError(error: unknown): undefined {
  if (error instanceof HostError && error.code !== 'host-lost' && error.code !== 'aborted') return undefined;
  throw error;
}

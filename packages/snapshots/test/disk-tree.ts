import {
  chmod,
  link,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of this machine that is removed at the end. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-snapshots-'));
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

export async function removeTree(path: string): Promise<void> {
  await openUp(path);
  await rm(path, { recursive: true, force: true });
}

async function openUp(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat?.isDirectory()) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(path, entry.name));
}

/** What a tree is made of. Names are bytes. */
export type Node =
  | { readonly kind: 'file'; readonly content: Uint8Array; readonly mode: number; readonly time: number }
  | { readonly kind: 'symlink'; readonly target: string; readonly time: number }
  /** Another name of the file before it, where there is one. */
  | { readonly kind: 'twin' }
  | {
      readonly kind: 'directory';
      readonly mode: number;
      readonly time: number;
      readonly children: ReadonlyMap<string, Node>;
    };

/** Makes a tree; names in latin1, so that every byte can be said. */
export async function plant(path: Buffer, node: Node, files: Buffer[] = []): Promise<void> {
  switch (node.kind) {
    case 'file':
      await writeFile(path, node.content);
      await chmod(path, node.mode);
      await utimes(path, node.time, node.time);
      files.push(path);
      return;
    case 'symlink':
      await symlink(node.target, path);
      await lutimes(path, node.time, node.time);
      return;
    case 'twin': {
      const first = files.at(-1);
      if (first !== undefined) await link(first, path);
      return;
    }
    case 'directory':
      await mkdir(path, { recursive: true });
      for (const [name, child] of node.children)
        await plant(Buffer.concat([path, Buffer.from(`/${name}`, 'latin1')]), child, files);
      await chmod(path, node.mode);
      await utimes(path, node.time, node.time);
  }
}

/** Everything that can be seen of a tree, by path: what a restore has to bring back. */
export async function seen(
  root: string,
  { times = true }: { readonly times?: boolean } = {},
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const inodes = new Map<string, string>();
  await look(Buffer.from(root), '', { found, inodes, times });
  return found;
}

interface Look {
  readonly found: Map<string, string>;
  readonly inodes: Map<string, string>;
  readonly times: boolean;
}

async function look(path: Buffer, name: string, state: Look): Promise<void> {
  const { found, inodes, times } = state;
  for (const child of (await readdir(path, { encoding: 'buffer' })).sort(Buffer.compare)) {
    const full = Buffer.concat([path, Buffer.from('/'), child]);
    const shown = `${name}/${child.toString('latin1')}`;
    const stat = await lstat(full, { bigint: true });
    const facts = `${(Number(stat.mode) & 0o777).toString(8)} ${times ? microseconds(stat.mtimeNs) : ''}`;
    if (stat.isSymbolicLink())
      found.set(
        shown,
        `link ${times ? microseconds(stat.mtimeNs) : ''} ${await readlink(full, { encoding: 'latin1' })}`,
      );
    else if (stat.isDirectory()) {
      found.set(shown, `dir ${facts}`);
      await look(full, shown, state);
    } else {
      const first = stat.nlink > 1n ? inodes.get(`${stat.ino}`) : undefined;
      inodes.set(`${stat.ino}`, first ?? shown);
      const content = (await readFile(full)).toString('base64');
      found.set(shown, `file ${facts} ${first ?? ''} ${content}`);
    }
  }
}

/** As exact as times are kept. */
function microseconds(nanoseconds: bigint): bigint {
  return (nanoseconds + 500n) / 1000n;
}

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, workspacePackages } from '@seedbed/tasks/workspace';

const execute = promisify(execFile);

/** The package.json of a package as it is published. */
export interface PackedManifest {
  readonly name: string;
  readonly description?: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface PackedPackage {
  readonly name: string;
  /** The file that would go to the registry. */
  readonly tarball: string;
  /** Its content, unpacked. */
  readonly content: string;
  readonly manifest: PackedManifest;
  /** Every file in it, relative. */
  readonly files: readonly string[];
  /** What a program writes to import it, for each entry: `@seedbed/host/local`. */
  readonly entries: readonly string[];
}

/** The names of all packages that are published. */
export const publicPackageNames: readonly string[] = workspacePackages(ROOT)
  .filter(({ folder }) => folder.startsWith('packages/'))
  .map(({ name }) => name);

/**
 * Packs every published package as it would be published, into `folder`. They must have been built.
 */
export async function packAll(folder: string): Promise<readonly PackedPackage[]> {
  const packages = workspacePackages(ROOT).filter(({ name }) => publicPackageNames.includes(name));
  const packed: PackedPackage[] = [];
  for (const { name, folder: source } of packages) packed.push(await pack(name, join(ROOT, source), folder));
  return packed;
}

async function pack(name: string, source: string, folder: string): Promise<PackedPackage> {
  if (!existsSync(join(source, 'dist'))) {
    throw new Error(`${name} has no dist. "npm test -- pack-test" builds first; so does "npm run build".`);
  }
  const destination = join(folder, name);
  await mkdir(destination, { recursive: true });
  await execute('pnpm', ['pack', '--pack-destination', destination], { cwd: source });
  const [file] = (await readdir(destination)).filter((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new Error(`pnpm packed no tarball of ${name}.`);
  const tarball = join(destination, file);
  await execute('tar', ['-xzf', tarball, '-C', destination]);
  const content = join(destination, 'package');
  const manifest: PackedManifest = JSON.parse(readFileSync(join(content, 'package.json'), 'utf8'));
  const files = (await readdir(content, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(content.length + 1));
  const entries = Object.keys(manifest.exports).map((entry) => join(name, entry));
  return { name, tarball, content, manifest, files: files.sort(), entries };
}

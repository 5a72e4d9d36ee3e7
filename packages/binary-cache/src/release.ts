import type { HostPlatform } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { type Integrity, parseIntegrity } from './integrity.ts';

export type PlatformName = `${HostPlatform['os']}-${HostPlatform['arch']}`;

/** What a release is on one platform. All paths are relative, with `/`, and name entries of the archive. */
export interface Artifact {
  /** An exact npm package spec, for example `@openai/codex@0.169.0-linux-x64`. */
  readonly npmSpec: string;
  /** The digest of the package's archive. Whatever comes from the registry must have it. */
  readonly integrity: Integrity;
  /** The folder that belongs together, for example `package/vendor/x86_64-unknown-linux-musl`. */
  readonly tree: string;
  /** The program, inside of `tree`. */
  readonly executable: string;
  /** Further files inside of `tree` without which the program is not whole; all of them are executable. */
  readonly companions: readonly string[];
  /**
   * Where a launcher script of this product keeps the tree, relative to the folder that the script is really in.
   * For a product whose command on PATH is a script.
   */
  readonly behindLauncher?: readonly string[];
}

/** One exact version of one program, on all of its platforms. */
export interface Release {
  /** Lower-case letters, digits and dashes. Also the command that is looked for on a host's PATH. */
  readonly name: string;
  readonly version: string;
  readonly artifacts: Readonly<Partial<Record<PlatformName, Artifact>>>;
  /** The proof that a tree is this product in this version: a command that must succeed and print exactly this. */
  readonly expect: { readonly args: readonly string[]; readonly stdout: string };
}

const namePattern = /^[a-z0-9][a-z0-9-]{0,63}$/;
const versionPattern = /^[0-9][0-9A-Za-z.+-]{0,63}$/;

/**
 * The artifact of `release` for a host's platform.
 *
 * @throws {BinaryCacheError} `unsupported-platform`; `invalid-release` when a name, version, path or digest cannot be.
 */
export function artifactFor(release: Release, platform: HostPlatform): Artifact {
  if (!namePattern.test(release.name) || !versionPattern.test(release.version)) {
    throw new BinaryCacheError(
      'invalid-release',
      `A release needs a plain name and version, got ${JSON.stringify(`${release.name} ${release.version}`)}.`,
    );
  }
  const name = platformName(platform);
  const artifact = release.artifacts[name];
  if (artifact === undefined) {
    const known = Object.keys(release.artifacts).sort().join(', ');
    throw new BinaryCacheError(
      'unsupported-platform',
      `${release.name} ${release.version} is not made for ${name}, only for ${known || 'no platform at all'}.`,
    );
  }
  parseIntegrity(artifact.integrity);
  for (const path of [artifact.tree, artifact.executable, ...artifact.companions]) {
    if (!isPlainRelativePath(path) || (path !== artifact.tree && !path.startsWith(`${artifact.tree}/`))) {
      throw new BinaryCacheError(
        'invalid-release',
        `${release.name} ${release.version} names ${JSON.stringify(path)}, which is not a plain path inside of its tree ${JSON.stringify(artifact.tree)}.`,
      );
    }
  }
  return artifact;
}

export function platformName(platform: HostPlatform): PlatformName {
  return `${platform.os}-${platform.arch}`;
}

/** Relative, normal, and without characters that a tool's output would have to escape. */
export function isPlainRelativePath(path: string): boolean {
  if (path === '' || path.length > 1024 || path.startsWith('-')) return false;
  for (const character of path) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20 || point === 0x7f || character === '\\' || (point >= 0xd800 && point <= 0xdfff))
      return false;
  }
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

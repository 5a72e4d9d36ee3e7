import { expect, test } from 'vitest';
import { BinaryCacheError } from './binary-cache-error.ts';
import { codexRelease, codexReleases, defaultCodexVersion, oldestCodexVersion } from './codex-releases.ts';
import { artifactFor } from './release.ts';

const platforms = [
  { os: 'linux', arch: 'x64' },
  { os: 'linux', arch: 'arm64' },
  { os: 'darwin', arch: 'x64' },
  { os: 'darwin', arch: 'arm64' },
] as const;

test('the default version is the newest of the table, the oldest its first', () => {
  expect(codexRelease().version).toBe('0.169.0');
  expect(defaultCodexVersion).toBe('0.169.0');
  expect(Object.keys(codexReleases)).toEqual([oldestCodexVersion, defaultCodexVersion]);
});

test.each(Object.values(codexReleases))(
  'Codex $version is well-formed on every platform, with a digest of its own',
  (release) => {
    const artifacts = platforms.map((platform) => artifactFor(release, platform));
    expect(new Set(artifacts.map((artifact) => artifact.integrity)).size).toBe(platforms.length);
    for (const [at, artifact] of artifacts.entries()) {
      const { os, arch } = platforms[at] ?? platforms[0];
      expect(artifact.npmSpec).toBe(`@openai/codex@${release.version}-${os}-${arch}`);
      expect(artifact.companions.some((path) => path.endsWith('/bwrap'))).toBe(os === 'linux');
    }
  },
);

test.each(['0.0.1', '', 'latest', '0.169', 'toString', '__proto__', '../0.169.0'])(
  'version %j is refused, and the message lists those that are supported',
  (version) => {
    expect(() => codexRelease(version)).toThrow(
      expect.objectContaining({
        code: 'unsupported-version',
        message: expect.stringContaining('0.142.5, 0.169.0'),
      }),
    );
    expect(() => codexRelease(version)).toThrow(BinaryCacheError);
  },
);

import { BinaryCacheError } from './binary-cache-error.ts';
import type { Integrity } from './integrity.ts';
import type { Artifact, PlatformName, Release } from './release.ts';

export type CodexVersion = '0.142.5' | '0.169.0';

const triples: Readonly<Record<PlatformName, string>> = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};

/** `npm view @openai/codex@<version>-<platform> dist.integrity` prints these. */
const digests: Readonly<Record<CodexVersion, Readonly<Record<PlatformName, Integrity>>>> = {
  '0.142.5': {
    'linux-x64':
      'sha512-pxY+d3NgNE57Y/MApD3/TZUAygxJN6I9h3ZeDUwe67mxWjUxsuapxMRFTKSznCalYbRAeZp752+AAXmUbmguEg==',
    'linux-arm64':
      'sha512-77ka5PSnm5HdxdBT99IwntCasmbqevlS0eiC0AtEb6ZXCLkim2gm0AWm+jNYy0EhbssvNK+KghayWo34HMgXeA==',
    'darwin-x64':
      'sha512-yk6A06/VmW7NFsa48OVPaj//g/zeSpd79wjuqfXZwW8ZKRYQm3+wCd3hWjPl79F3QnXvDvM2j3JMIBL3m3GXXg==',
    'darwin-arm64':
      'sha512-l43p8xv+Z/2/b6fCUc7/FmcQZsaPB7RFizLponGwHAnFOWe3i9Vky69p+up3BUam9AetoQQUv7Mo+2KdaFEqhA==',
  },
  '0.169.0': {
    'linux-x64':
      'sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==',
    'linux-arm64':
      'sha512-NZ/DaQUpcQmxmqee7Z9uC1rzw3GhSbooawcaTe1LN5Yk+WlinUKGdTXJgClRT/9ogQEEM9TWxYzvxPfj5G/xFg==',
    'darwin-x64':
      'sha512-K1FKSsSLl9v3z5TeagBQXyQRDBIGB5Jncy5dxsRxwT3aaTqN3AI8VrCfoxBxKMOOU9O2QX1vg7WkBwNVth/s9A==',
    'darwin-arm64':
      'sha512-5WsWFBbVP78D+6FvNo1MMVxLPZdmcoQlqVJFrF4qx/TmvneLnMQKtLyXkUo54XOTDfoYKpNouTJ/F7gTVA8FnQ==',
  },
};

/** The version that a task gets when it names none. */
export const defaultCodexVersion: CodexVersion = '0.169.0';
/** The oldest version that is still supported. */
export const oldestCodexVersion: CodexVersion = '0.142.5';

function artifact(version: CodexVersion, platform: PlatformName): Artifact {
  const triple = triples[platform];
  const tree = `package/vendor/${triple}`;
  const companions = [`${tree}/codex-path/rg`];
  // Without bwrap beside it Codex has no sandbox on Linux; macOS has its own.
  if (platform.startsWith('linux-')) companions.push(`${tree}/codex-resources/bwrap`);
  if (version !== '0.142.5') companions.push(`${tree}/bin/codex-code-mode-host`);
  return {
    npmSpec: `@openai/codex@${version}-${platform}`,
    integrity: digests[version][platform],
    tree,
    executable: `${tree}/bin/codex`,
    companions,
    behindLauncher: [
      `../../codex-${platform}/vendor/${triple}`,
      `../node_modules/@openai/codex-${platform}/vendor/${triple}`,
      `../vendor/${triple}`,
    ],
  };
}

function release(version: CodexVersion): Release {
  return {
    name: 'codex',
    version,
    artifacts: {
      'linux-x64': artifact(version, 'linux-x64'),
      'linux-arm64': artifact(version, 'linux-arm64'),
      'darwin-x64': artifact(version, 'darwin-x64'),
      'darwin-arm64': artifact(version, 'darwin-arm64'),
    },
    expect: { args: ['--version'], stdout: `codex-cli ${version}\n` },
  };
}

/** Every supported version of Codex, oldest first. */
export const codexReleases: Readonly<Record<CodexVersion, Release>> = {
  '0.142.5': release('0.142.5'),
  '0.169.0': release('0.169.0'),
};

/**
 * The release of one version of Codex; the default version when none is named.
 *
 * @throws {BinaryCacheError} `unsupported-version`; the message lists the supported ones.
 */
export function codexRelease(version: string = defaultCodexVersion): Release {
  for (const [known, found] of Object.entries(codexReleases)) if (known === version) return found;
  throw new BinaryCacheError(
    'unsupported-version',
    `Codex ${JSON.stringify(version)} is not supported. Supported are ${Object.keys(codexReleases).join(', ')}.`,
  );
}

import { createHash } from 'node:crypto';
import type { AccountSummary, Credential, CredentialKind, CredentialReading } from '../credential-kind.ts';
import type { SeedManifest } from '../seed-manifest.ts';

/** What is in the file of {@link testCredentialKind}. Without a token nobody is logged in. */
export interface TestCredential {
  readonly account: string;
  readonly token?: string;
  /** When it was given out. */
  readonly at: number;
  /** `key` does not rotate. */
  readonly way?: 'login' | 'key';
  readonly summary?: AccountSummary;
}

/** A login of no provider, for tests: JSON with an account, a token and a time. */
export const testCredentialKind: CredentialKind = {
  name: 'test login',
  read: readTestCredential,
  succeeds: (previous: Credential, next: Credential): boolean =>
    previous.account === next.account && previous.rotates === next.rotates,
};

export const testManifest: SeedManifest = {
  files: [
    { path: '.agent/login.json', mode: 0o600, role: 'credential' },
    { path: '.agent/settings.toml', mode: 0o600, role: 'companion' },
  ],
};

export function testCredential(credential: TestCredential): Uint8Array {
  return Buffer.from(JSON.stringify(credential));
}

function readTestCredential(bytes: Uint8Array): CredentialReading {
  let found: Partial<TestCredential>;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof parsed !== 'object' || parsed === null) throw new SyntaxError('no object');
    found = parsed;
  } catch {
    return { state: 'unreadable', reason: 'it is no JSON object' };
  }
  const { account, token, at = 0, way = 'login', summary } = found;
  if (token === undefined || account === undefined) return { state: 'logged-out' };
  return {
    state: 'logged-in',
    account,
    generation: createHash('sha256').update(token).digest('hex').slice(0, 32),
    refreshedAtMs: at,
    rotates: way === 'login',
    ...(summary === undefined ? {} : { summary }),
  };
}

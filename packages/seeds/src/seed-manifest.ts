import { SeedError } from './seed-error.ts';

export interface SeedFile {
  /** Relative to the home, in the form `.codex/auth.json`. */
  readonly path: string;
  /** Permission bits when planted. */
  readonly mode: number;
  /** The one `credential` is what is read, rotates and is saved back; a `companion` is captured and planted with it. */
  readonly role: 'credential' | 'companion';
}

/** Which files of a home are a login. */
export interface SeedManifest {
  readonly files: readonly SeedFile[];
}

const PLAIN_PATH = /^(?!\/)(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0\\]+$/;

/** The manifest's credential. @throws {SeedError} `invalid-config`. */
export function credentialFile(manifest: SeedManifest): SeedFile {
  for (const { path, mode } of manifest.files) {
    if (!PLAIN_PATH.test(path))
      throw invalid(`${JSON.stringify(path)} is no plain path relative to the home, like .codex/auth.json`);
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw invalid(`the mode of ${path} is none`);
  }
  if (new Set(manifest.files.map(({ path }) => path)).size !== manifest.files.length)
    throw invalid('a path is there twice');
  const [credential, second] = manifest.files.filter(({ role }) => role === 'credential');
  if (credential === undefined || second !== undefined)
    throw invalid('exactly one file must have the role "credential"');
  if ((credential.mode & 0o077) !== 0)
    throw invalid(`${credential.path} would be readable by others; use mode 0o600`);
  return credential;
}

function invalid(what: string): SeedError {
  return new SeedError('invalid-config', `The manifest of the seed is not valid: ${what}.`);
}

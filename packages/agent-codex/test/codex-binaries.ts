import { access } from 'node:fs/promises';
import { join } from 'node:path';

/** The versions that everything is tried with: the oldest supported and the default. */
export const supportedVersions = ['0.142.5', '0.169.0'] as const;

export type SupportedVersion = (typeof supportedVersions)[number];

/** The real Codex. `SEEDBED_CODEX_PACKAGES` names a folder with unpacked npm packages, `codex-<version>/package`. */
export async function codexBinary(version: SupportedVersion): Promise<string> {
  const folder = process.env['SEEDBED_CODEX_PACKAGES'];
  if (folder === undefined)
    throw new Error('Set SEEDBED_CODEX_PACKAGES to the folder that holds codex-<version>/package.');
  const triple = 'x86_64-unknown-linux-musl';
  const path = join(folder, `codex-${version}`, 'package', 'vendor', triple, 'bin', 'codex');
  await access(path);
  return path;
}

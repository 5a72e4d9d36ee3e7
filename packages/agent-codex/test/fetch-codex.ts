import { codexBinary, supportedVersions } from './codex-binaries.ts';

/** Before any test, so that no test's time goes into a download. Where it fails, the tests that need Codex say why. */
export async function setup(): Promise<void> {
  await Promise.allSettled(supportedVersions.map(codexBinary));
}

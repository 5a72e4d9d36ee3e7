import type { SeedFile, SeedManifest } from '@seedbed/seeds';

const authJson: SeedFile = { path: '.codex/auth.json', mode: 0o600, role: 'credential' };

/** What of a home makes a Codex login: the credential, and the configuration that leads it to its provider. */
export const CODEX_SEED_MANIFEST: SeedManifest = {
  files: [authJson, { path: '.codex/config.toml', mode: 0o600, role: 'companion' }],
};

/** What of it rotates. */
export const CODEX_CRED_MANIFEST: SeedManifest = { files: [authJson] };

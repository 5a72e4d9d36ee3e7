import { type CodexVersion, codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { createLocalHost } from '@seedbed/host/local';

/** The versions that everything is tried with: the oldest supported and the default. */
export const supportedVersions: readonly ['0.142.5', '0.169.0'] = ['0.142.5', '0.169.0'];

export type SupportedVersion = (typeof supportedVersions)[number] & CodexVersion;

/** Long enough for a first download: give it to the hook that calls {@link codexBinary} before the tests. */
export const downloadTimeout = 600_000;

const found = new Map<SupportedVersion, Promise<string>>();

/** The path of the real Codex, from the user's cache; fetched when it is not there. */
export function codexBinary(version: SupportedVersion): Promise<string> {
  const known = found.get(version) ?? ensure(version);
  found.set(version, known);
  return known;
}

async function ensure(version: SupportedVersion): Promise<string> {
  await using host = createLocalHost();
  const cache = createBinaryCache({ sources: [npmRegistrySource()] });
  return (await cache.ensure(host, codexRelease(version))).path;
}

import type { Credential, CredentialReading } from './credential-kind.ts';
import { packSeed, type SeedContent, unpackSeed } from './seed-archive.ts';
import { isPointInTime } from './seed-clock.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { CredentialFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';

/** A seed's files, and what its credential says. */
export interface OpenedSeed {
  readonly content: SeedContent;
  readonly bytes: Uint8Array;
  readonly credential: Credential;
}

/** @throws {SeedError} `unreadable`, `unsealing-failed`, `too-large`. */
export async function openStored(context: SeedContext, stored: StoredSeed): Promise<OpenedSeed> {
  const { id } = stored.facts;
  const opened = await openArchive(context, id, stored.content);
  if (opened.credential.state === 'logged-in') return { ...opened, credential: opened.credential };
  throw new SeedError(
    'unreadable',
    `The stored seed ${id} holds no ${context.kind.name} that is logged in: it is ${opened.credential.state}.`,
  );
}

/** The same for bytes that need not be a login. */
export async function openArchive(
  context: SeedContext,
  id: SeedId,
  archive: Uint8Array,
): Promise<{ content: SeedContent; bytes: Uint8Array; credential: CredentialReading }> {
  const content = await unpackSeed(context.contentSealing.open(archive, contentContext(id)));
  const bytes = content.get(context.credential.path);
  const credential: CredentialReading =
    bytes === undefined
      ? { state: 'unreadable', reason: `${context.credential.path} is missing` }
      : context.kind.read(bytes);
  return { content, bytes: bytes ?? new Uint8Array(), credential };
}

export async function sealContent(
  context: SeedContext,
  id: SeedId,
  content: SeedContent,
): Promise<Uint8Array> {
  return context.contentSealing.seal(await packSeed(content), contentContext(id));
}

/** A time that is none is left out: what a token says of itself must not make its record unreadable. */
export function credentialFacts(credential: Credential): CredentialFacts {
  const { generation, rotates, refreshedAtMs, expiresAtMs } = credential;
  return {
    generation,
    rotates,
    ...(refreshedAtMs !== undefined && isPointInTime(refreshedAtMs) ? { refreshedMs: refreshedAtMs } : {}),
    ...(expiresAtMs !== undefined && isPointInTime(expiresAtMs) ? { expiresMs: expiresAtMs } : {}),
  };
}

export function contentContext(id: SeedId): string {
  return `seed/${id}/content`;
}

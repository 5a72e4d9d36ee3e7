import { type HostPath, joinHostPath } from '@seedbed/host';
import { readCredentialFile } from './credential-bytes.ts';
import type { Credential } from './credential-kind.ts';
import { withAccount } from './details.ts';
import { requireReadable } from './parse-seed-facts.ts';
import type { SeedHost } from './plant-seed.ts';
import { MAX_CONTENT_BYTES, type SeedContent } from './seed-archive.ts';
import { credentialFacts, sealContent } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, throwIfAborted } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';

export interface CaptureOptions {
  readonly host: SeedHost;
  /** The folder that the manifest's paths are relative to. To be removed after: whoever uses the copy in it spends the seed's token. */
  readonly home: HostPath;
  readonly pool?: string;
  /** A name for people. */
  readonly label?: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes a seed of a login in a home. What logged in there must have ended: a login is captured once, and lives in the store from then on.
 *
 * @throws {SeedError} `not-logged-in`, `unreadable`, `already-captured`, `invalid-config`, `too-large`, `host-failed`, `aborted`, and what the store throws.
 */
export async function captureSeed(context: SeedContext, options: CaptureOptions): Promise<SeedId> {
  const { host, home, pool, label, signal } = options;
  const content = await readHome(context, options);
  const credential = loggedIn(context, { host, home }, content);
  await refuseSecond(context, credential);
  throwIfAborted(signal, `capture what is in ${home}`);
  const { generation } = credential;
  // Of one login there is one id: of two who capture it at the same moment the store refuses one.
  const id = context.store.createId(generation);
  const nowMs = await context.store.now();
  const facts: SeedFacts = {
    id,
    createdMs: nowMs,
    updatedMs: nowMs,
    ...(pool === undefined ? {} : { pool }),
    ...(label === undefined ? {} : { label }),
    status: 'alive',
    fence: 0,
    credential: credentialFacts(credential),
    lineage: [{ generation, atMs: nowMs, how: 'captured' }],
    aside: [],
  };
  const known = withAccount(context, facts, credential.summary);
  requireReadable(known);
  await insertOnce(context, known, await sealContent(context, id, content));
  return id;
}

async function insertOnce({ store }: SeedContext, facts: SeedFacts, content: Uint8Array): Promise<void> {
  try {
    await store.insert(facts, content);
  } catch (cause) {
    const isRefused = cause instanceof SeedError && cause.code === 'store-failed';
    if (isRefused && (await store.get(facts.id)) !== undefined) throw alreadyCaptured(facts.id, { cause });
    throw cause;
  }
}

function alreadyCaptured(id: SeedId, options: ErrorOptions = {}): SeedError {
  return new SeedError(
    'already-captured',
    `This login is seed ${id} already. Use that one; a second would spend the same token.`,
    options,
  );
}

async function readHome(context: SeedContext, { host, home, signal }: CaptureOptions): Promise<SeedContent> {
  const options = signal === undefined ? {} : { signal };
  const files = await Promise.all(
    context.manifest.files.map(async ({ path }) => {
      return [path, await readCredentialFile(host, joinHostPath(home, path), options)] as const;
    }),
  );
  const content = new Map(files.flatMap(([path, bytes]) => (bytes === undefined ? [] : [[path, bytes]])));
  let total = 0;
  for (const bytes of content.values()) total += bytes.byteLength;
  if (total <= MAX_CONTENT_BYTES) return content;
  throw new SeedError(
    'too-large',
    `The login in ${home} has ${total} bytes; ${MAX_CONTENT_BYTES} are the most.`,
  );
}

function loggedIn(
  { kind, credential }: SeedContext,
  { host, home }: Pick<CaptureOptions, 'host' | 'home'>,
  content: SeedContent,
): Credential {
  const bytes = content.get(credential.path);
  const where = `${joinHostPath(home, credential.path)} on ${host.label}`;
  if (bytes === undefined)
    throw new SeedError('not-logged-in', `Nothing to capture: there is no ${where}. Log in first.`);
  const reading = kind.read(bytes);
  if (reading.state === 'logged-in') return reading;
  if (reading.state === 'logged-out')
    throw new SeedError('not-logged-in', `Nothing to capture: ${where} says that nobody is logged in.`);
  throw new SeedError(
    'unreadable',
    `Did not capture ${where}: ${reading.reason}. If it is being written, try again.`,
  );
}

async function refuseSecond(context: SeedContext, { generation }: Credential): Promise<void> {
  const { seeds, unreadable } = await context.store.list();
  const [closed] = unreadable;
  if (closed !== undefined)
    throw new SeedError(
      'unreadable',
      `Did not capture: whether seed ${closed.id} is this login cannot be seen. ${closed.reason} If it is not a later version's, deleteUnreadable removes it.`,
    );
  const isIt = (one: { readonly generation: string } | undefined): boolean => one?.generation === generation;
  const same = seeds.find(({ facts }) => isIt(facts.credential) || facts.lineage.some(isIt));
  if (same !== undefined) throw alreadyCaptured(same.facts.id);
  const keeper = seeds.find(({ facts }) => facts.aside.some(isIt));
  if (keeper !== undefined)
    throw new SeedError(
      'already-captured',
      `Seed ${keeper.facts.id} keeps this login aside. Make it the current one there with restore; a second seed would spend the same token.`,
    );
}

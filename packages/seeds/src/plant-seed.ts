import { type Host, type HostFiles, type HostPath, joinHostPath, parentHostPath } from '@seedbed/host';
import { hostFailure, readCredentialFile } from './credential-bytes.ts';
import type { LeaseState, PlantedPlace } from './lease-state.ts';
import { saveOthers, setAside } from './others-login.ts';
import { noteOutstanding } from './outstanding.ts';
import { type PlantedMarker, readPlantedMarker, writePlantedMarker } from './planted-marker.ts';
import { saveUnderLease } from './save-under-lease.ts';
import type { SeedContent } from './seed-archive.ts';
import { openStored } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, throwIfAborted } from './seed-error.ts';
import type { SeedFile } from './seed-manifest.ts';
import { readSettled } from './settle-overwritten.ts';
import { requireTold } from './take-credential.ts';

/** Where a login goes, or comes from: a host's files, with its name. */
export type SeedHost = HostFiles & Pick<Host, 'label'>;

export interface PlantOptions {
  readonly host: SeedHost;
  /** The folder that the manifest's paths are relative to. Created when it is missing. */
  readonly home: HostPath;
  /**
   * Names the host for whoever has to look there after this program has died; see `SeedsOptions.reach`. The host's label unless given.
   */
  readonly place?: string;
  /** Changes a companion file on its way into the home; `undefined` leaves it out. */
  readonly rewrite?: (path: string, bytes: Uint8Array) => Uint8Array | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Puts a seed's files into a home. What credential is there already is settled first: one that came out of the stored one is saved and used, an older one is replaced,
 * one whose descent nobody knows is kept aside. Another seed's is saved into that one and set aside in the home, where the next holder of it looks: a task that was killed is given another
 * login of its pool when it starts anew.
 *
 * @throws {SeedError} `lease-lost`, `host-failed`, `unreadable`, `aborted`, and what the store throws.
 */
export async function plantSeed(
  context: SeedContext,
  state: LeaseState,
  { host, home, place = host.label, rewrite, signal }: PlantOptions,
): Promise<void> {
  if (state.planted !== undefined && state.planted.home !== home)
    throw new SeedError(
      'invalid-config',
      `The lease of seed ${state.seedId} is planted in ${state.planted.home} already.`,
    );
  const path = joinHostPath(home, context.credential.path);
  throwIfAborted(signal, `plant seed ${state.seedId}`);
  await settlePresent(context, state, { host, home, path, place });
  await requireTold(context, state.holder);
  const to = { files: host, home, path, place };
  while (!(await plantStored(context, state, { to, rewrite, signal })))
    throwIfAborted(signal, `plant in ${home}`);
}

/** `false` when something newer was stored meanwhile: that is planted then, before anybody uses this. */
async function plantStored(
  context: SeedContext,
  state: LeaseState,
  {
    to,
    rewrite,
    signal,
  }: {
    readonly to: Omit<PlantedPlace, 'rotates'>;
    readonly rewrite: PlantOptions['rewrite'];
    readonly signal: AbortSignal | undefined;
  },
): Promise<boolean> {
  const { seedId } = state;
  const { files, home, path, place } = to;
  const { content, credential, bytes } = await openStored(context, await readSettled(context, seedId));
  const { generation: basis, rotates } = credential;
  const note = async (phase: 'planting' | 'planted'): Promise<boolean> =>
    !rotates || (await noteOutstanding(context, state, { phase, basis, place, path }));
  if (!(await note('planting'))) return false;
  const planted: PlantedPlace = { ...to, rotates };
  state.planted = planted;
  state.basis = basis;
  state.seen.add(basis);
  throwIfAborted(signal, `plant seed ${seedId}`);
  await writeFiles(context, planted, { content, rewrite });
  await onHost(`plant in ${home}`, () => writePlantedMarker(files, home, { seedId, generation: basis }));
  state.looked = { bytes, outcome: { outcome: 'unchanged', generation: basis } };
  return await note('planted');
}

async function settlePresent(
  context: SeedContext,
  state: LeaseState,
  { host, home, path, place }: Pick<PlantOptions, 'host' | 'home'> & Pick<PlantedPlace, 'path' | 'place'>,
): Promise<void> {
  const bytes = await readCredentialFile(host, path);
  if (bytes === undefined) return;
  const reading = context.kind.read(bytes);
  if (reading.state !== 'logged-in' || reading.generation === state.basis) return;
  const marker = await onHost(`read ${home}`, () => readPlantedMarker(host, home));
  const others = { files: host, path, bytes };
  const isOthers = marker !== undefined && marker.seedId !== state.seedId;
  if (
    (isOthers && (await saveOthers(context, marker, { ...others, place }))) ||
    (await isNotOurs(context, state, { bytes, marker }))
  )
    await onHost(`set aside ${path}`, () => setAside(others));
}

/** Saves what may be of our seed, and says whether it was none. */
async function isNotOurs(
  context: SeedContext,
  state: LeaseState,
  { bytes, marker }: { readonly bytes: Uint8Array; readonly marker: PlantedMarker | undefined },
): Promise<boolean> {
  const basis = state.basis;
  // Without a mark nobody knows what it came out of: it is kept aside then, and does not replace what the store has.
  const marked = marker?.seedId === state.seedId ? marker.generation : undefined;
  state.basis = marked ?? '';
  try {
    const { outcome } = await saveUnderLease(context, state, { bytes, how: 'rotated' });
    return outcome === 'ignored';
  } finally {
    if (state.basis === '' || state.basis === marked) state.basis = basis;
    state.looked = undefined;
  }
}

async function writeFiles(
  { manifest }: SeedContext,
  { files, home }: PlantedPlace,
  { content, rewrite }: { readonly content: SeedContent; readonly rewrite: PlantOptions['rewrite'] },
): Promise<void> {
  const wanted = manifest.files.flatMap((file) => {
    const stored = content.get(file.path);
    if (stored === undefined) return [];
    const bytes = file.role === 'companion' && rewrite !== undefined ? rewrite(file.path, stored) : stored;
    return bytes === undefined ? [] : [{ file, bytes }];
  });
  const folders = new Set(wanted.map(({ file }) => parentHostPath(joinHostPath(home, file.path))));
  await onHost(`plant in ${home}`, async () => {
    await Promise.all([...folders].map((folder) => files.makeDirectory(folder, { mode: 0o700 })));
    await Promise.all(wanted.map(({ file, bytes }) => writeSeedFile(files, home, { file, bytes })));
  });
}

export async function writeSeedFile(
  files: HostFiles,
  home: HostPath,
  { file, bytes }: { readonly file: SeedFile; readonly bytes: Uint8Array },
): Promise<void> {
  await files.writeFile(joinHostPath(home, file.path), bytes, { mode: file.mode });
}

async function onHost<T>(attempt: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw hostFailure(attempt, cause);
  }
}

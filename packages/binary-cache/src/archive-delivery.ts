import { type HostPath, joinHostPath } from '@seedbed/host';
import { fetchOnHost } from './archive-fetch.ts';
import { type ArchiveContents, inspectArchive, requireWhole } from './archive-inspection.ts';
import { pushArchive } from './archive-push.ts';
import { BinaryCacheError, type BinaryCacheErrorCode } from './binary-cache-error.ts';
import type { ArchivePayload, BinarySource, HostTreePayload, SourceRequest } from './binary-source.ts';
import { type CacheLayout, entryName } from './cache-layout.ts';
import { type Integrity, parseIntegrity } from './integrity.ts';
import { type Landing, openLanding, partPath } from './landing.ts';
import type { ArrivedArchive } from './tree-install.ts';

/**
 * How an archive gets onto a host.
 *
 * - `push`: this program fetches it, once for all hosts, and sends it. The host needs to reach nothing.
 * - `fetch`: the host fetches it with its own curl or wget, from the address that this machine is configured for. Nothing is sent from here; no credentials leave this
 *   machine, so that an address which needs some is refused.
 * - `auto`: the host tries; when it cannot, or hardly anything comes for ten seconds, the rest is sent from here.
 */
export type Delivery = 'push' | 'fetch' | 'auto';

export interface DeliveryRequest extends SourceRequest {
  readonly delivery: Delivery;
  /** See `LandingOptions.holder`. */
  readonly holder: string;
  /** What was read through already: a broken link is no reason to do that again. */
  readonly inspected: Map<BinarySource, InspectedArchive>;
}

export interface InspectedArchive {
  readonly payload: ArchivePayload;
  readonly contents: ArchiveContents;
}

/** What a source gives, on the host. Until its disposal no other program brings the same archive there. */
export interface DeliveredBinary extends AsyncDisposable {
  readonly payload: ArrivedArchive | HostTreePayload;
  /** Absent for what was on the host already. */
  readonly way?: 'push' | 'fetch';
  /** Why the host did not fetch it although it was to try. */
  readonly fetchFailure?: string;
  /** It is installed: what was kept to be continued goes. */
  finish(): Promise<void>;
}

const fetchStallMs = 60_000;
const tryStallMs = 10_000;
const maxTurns = 10;

/** After these it can still be sent from here. */
const pushMayHelp: ReadonlySet<BinaryCacheErrorCode> = new Set([
  'source-refused',
  'not-in-registry',
  'download-failed',
  'integrity-mismatch',
]);

/** `undefined` when another program has installed it meanwhile. */
export async function deliver(
  layout: CacheLayout,
  source: BinarySource,
  request: DeliveryRequest,
): Promise<DeliveredBinary | undefined> {
  const { delivery } = request;
  if (delivery === 'push' || source.locate === undefined) return await sendFromHere(layout, source, request);
  try {
    return await fetchThere(layout, source, request);
  } catch (error) {
    const isRefused = error instanceof BinaryCacheError && pushMayHelp.has(error.code);
    if (delivery === 'fetch' || !isRefused) throw error;
    const sent = await sendFromHere(layout, source, request);
    return sent && { ...sent, fetchFailure: error.message };
  }
}

async function sendFromHere(
  layout: CacheLayout,
  source: BinarySource,
  request: DeliveryRequest,
): Promise<DeliveredBinary | undefined> {
  const known = request.inspected.get(source);
  const obtained = known?.payload ?? (await source.obtain(request));
  if (obtained.kind === 'host-tree') {
    return { payload: obtained, finish: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  }
  if (request.delivery === 'fetch') {
    throw new BinaryCacheError(
      'source-refused',
      `What ${source.name} gives lies on this machine, and \`delivery: 'fetch'\` sends nothing from here. Use 'push' or 'auto'.`,
    );
  }
  const { payload, contents } = known ?? (await inspect(source, obtained, request));
  request.inspected.set(source, { payload, contents });
  const { archiveBytes: totalBytes, integrity, files } = contents;
  const report = (bytes: number): void => request.report({ phase: 'push', bytes, totalBytes });
  return await land(layout, source, request, {
    integrity,
    way: 'push',
    arrived: (path) => ({ kind: 'arrived', path, compression: payload.compression, files }),
    bring: (landing) => pushArchive(landing, payload, { totalBytes, report }),
  });
}

async function fetchThere(
  layout: CacheLayout,
  source: BinarySource,
  request: DeliveryRequest,
): Promise<DeliveredBinary | undefined> {
  if (source.locate === undefined || source.evidence.kind !== 'digest') {
    throw new BinaryCacheError('source-refused', `${source.name} has no address with a pinned digest.`);
  }
  const address = await source.locate(request);
  const url = openAddress(address.url, source);
  return await land(layout, source, request, {
    integrity: parseIntegrity(request.artifact.integrity),
    way: 'fetch',
    arrived: (path) => ({ kind: 'arrived', path, compression: address.compression }),
    bring: (landing) =>
      fetchOnHost(landing, {
        url,
        maxBytes: request.limits.maxArchiveBytes,
        stallMs: request.delivery === 'auto' ? tryStallMs : fetchStallMs,
        report: (bytes) => request.report({ phase: 'fetch', bytes }),
      }),
  });
}

/** The host's users may see it, and its tools take it for more than an address if it can hold anything. */
function openAddress(address: string, source: BinarySource): string {
  const url = URL.canParse(address) && !/[\0-\x20]/.test(address) ? new URL(address) : undefined;
  const isOpen = url?.username === '' && url.password === '';
  if (isOpen && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href;
  throw new BinaryCacheError(
    'source-refused',
    `${source.name} gives an address that no host is sent to: it must be http or https, and hold no credentials.`,
  );
}

interface Transport {
  readonly integrity: Integrity;
  readonly way: 'push' | 'fetch';
  arrived(path: HostPath): ArrivedArchive;
  bring(landing: Landing): Promise<'done' | 'taken'>;
}

async function land(
  layout: CacheLayout,
  source: BinarySource,
  request: DeliveryRequest,
  { integrity, way, arrived, bring }: Transport,
): Promise<DeliveredBinary | undefined> {
  const { host, release, artifact, signal, report, holder } = request;
  const archive = joinHostPath(request.scratch, 'archive');
  const entry = entryName(release, artifact, host, source.evidence);
  for (let turn = 0; turn < maxTurns; turn += 1) {
    await using resources = new AsyncDisposableStack();
    const landing = await openLanding(host, { layout, integrity, holder, entry, archive, signal, report });
    if (landing === undefined) return undefined;
    resources.use(landing);
    try {
      if ((await bring(landing)) === 'taken') continue;
    } catch (error) {
      // What filled the disk must not go on filling it.
      if (error instanceof BinaryCacheError && error.code === 'no-space')
        await host.remove(partPath(layout, integrity)).catch(() => undefined);
      throw error;
    }
    const owned = resources.move();
    return {
      payload: arrived(archive),
      way,
      finish: () => landing.finish(),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }
  throw new BinaryCacheError(
    'install-failed',
    `Other programs keep taking over the transfer of ${release.name} ${release.version} to ${host.label}.`,
  );
}

/** Reads the archive through before the host sees any of it. */
async function inspect(
  source: BinarySource,
  payload: ArchivePayload,
  { artifact, limits, signal, report }: SourceRequest,
): Promise<InspectedArchive> {
  const known = payload.bytes === undefined ? {} : { totalBytes: payload.bytes };
  const contents = await inspectArchive(payload, {
    limits,
    signal,
    report: (bytes) => report({ phase: 'verify', bytes, ...known }),
  });
  if (source.evidence.kind === 'digest' && contents.integrity !== artifact.integrity) {
    throw new BinaryCacheError(
      'integrity-mismatch',
      `What came from ${source.name} has the digest ${contents.integrity}, pinned is ${artifact.integrity}. Nothing was installed.`,
    );
  }
  requireWhole(contents.files, artifact);
  return { payload, contents };
}

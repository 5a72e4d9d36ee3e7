import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fetchFromRegistry from 'npm-registry-fetch';
import pacote from 'pacote';
import { BinaryCacheError } from '../binary-cache-error.ts';
import type { ArchiveAddress, BinarySource, SourceRequest } from '../binary-source.ts';
import { type Integrity, parseIntegrity } from '../integrity.ts';
import { createSingleFlight, throwIfAborted } from '../single-flight.ts';
import { sweepDownloads } from './download-folder.ts';
import { type NpmConfig, type NpmConfigOptions, readNpmConfig } from './npm-config.ts';
import { whyWithheld } from './open-address.ts';
import { registryFailure } from './registry-failure.ts';
import { downloadResumably, type RangeAnswer } from './resumable-download.ts';

export interface NpmRegistryOptions extends NpmConfigOptions {
  /** Where archives are kept on this machine. `_seedbed` in npm's cache folder unless given. */
  readonly directory?: string;
  /** How long an archive that is not used stays there, in milliseconds. Seven days unless given. */
  readonly retainMs?: number;
  /** How long a transfer may crawl (less than 64 KiB) or an answer may take, in milliseconds. 60,000 unless given. */
  readonly stallMs?: number;
  /** The pause before the first retry, in milliseconds; doubled with each. 500 unless given. */
  readonly retryDelayMs?: number;
}

const weekMs = 7 * 24 * 60 * 60 * 1000;

/**
 * The npm registry, as npm is configured on this machine: address, scopes, proxy, certificates, credentials.
 * This program fetches, also for a host that reaches no registry. Broken transfers are continued; the digest decides what is kept.
 * Hosts that are to fetch themselves are given the address, where it needs no credentials.
 */
export function npmRegistrySource(options: NpmRegistryOptions = {}): BinarySource {
  // Hosts that need the same archive at the same time share one download.
  const downloads = createSingleFlight<string>();
  return {
    name: 'npm registry',
    origin: 'downloaded',
    evidence: { kind: 'digest' },
    obtain: async (request) => {
      const integrity = parseIntegrity(request.artifact.integrity);
      const path = await downloads.run(
        integrity,
        (signal, report) => fetchArchive({ ...request, signal, report }, integrity, options),
        request,
      );
      return {
        kind: 'archive',
        compression: 'gzip',
        open: () => Readable.toWeb(createReadStream(path, { highWaterMark: 262_144 })),
      };
    },
    locate: (request) => locateArchive(request, options),
  };
}

async function fetchArchive(
  request: SourceRequest,
  integrity: Integrity,
  options: NpmRegistryOptions,
): Promise<string> {
  const { artifact, signal } = request;
  const config = await readNpmConfig(options);
  const directory = options.directory ?? join(config.cacheDirectory, '_seedbed');
  const stallMs = options.stallMs ?? 60_000;
  const retryDelayMs = options.retryDelayMs ?? 500;
  const retries = fetchRetries(config);
  const context = { spec: artifact.npmSpec, registry: config.describeRegistry(scopeOf(artifact.npmSpec)) };
  await sweepDownloads(directory, options.retainMs ?? weekMs);
  let address: string | undefined;
  try {
    request.report({ phase: 'resolve', bytes: 0 });
    return await downloadResumably({
      directory,
      integrity,
      maxBytes: request.limits.maxArchiveBytes,
      retries,
      retryDelayMs,
      stallMs,
      signal,
      report: (bytes, totalBytes) =>
        request.report({ phase: 'download', bytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
      request: async ({ first, last }, attempt) => {
        const fetchOptions = {
          ...config.fetchOptions,
          timeout: stallMs,
          retry: { retries: 0 },
          signal: attempt,
        };
        address ??= await resolveAddress(artifact.npmSpec, integrity, fetchOptions);
        const headers = { 'accept-encoding': 'identity', range: `bytes=${first}-${last}` };
        return openRange(address, { ...fetchOptions, spec: artifact.npmSpec, headers });
      },
    });
  } catch (error) {
    throwIfAborted(signal);
    throw fileSystemFailure(error, directory) ?? registryFailure(error, context);
  }
}

async function locateArchive(request: SourceRequest, options: NpmRegistryOptions): Promise<ArchiveAddress> {
  const { artifact, signal } = request;
  const { npmSpec: spec } = artifact;
  const config = await readNpmConfig(options);
  const registry = config.describeRegistry(scopeOf(spec));
  request.report({ phase: 'resolve', bytes: 0 });
  try {
    const fetchOptions = { ...config.fetchOptions, timeout: options.stallMs ?? 60_000, signal };
    const url = await resolveAddress(spec, parseIntegrity(artifact.integrity), fetchOptions);
    const reason = whyWithheld(url, config.fetchOptions);
    if (reason === undefined) return { url: new URL(url).href, compression: 'gzip' };
    throw new BinaryCacheError(
      'source-refused',
      `The registry of ${registry} is not shown to ${request.host.label}: ${reason}. Credentials never leave this machine; with \`delivery: 'push'\` the host needs none.`,
    );
  } catch (error) {
    throwIfAborted(signal);
    throw registryFailure(error, { spec, registry });
  }
}

async function openRange(
  address: string,
  options: Readonly<Record<string, unknown> & { headers: Record<string, string> }>,
): Promise<RangeAnswer> {
  try {
    const answer = await fetchFromRegistry(address, options);
    return { status: answer.status, headers: answer.headers, body: bytesOf(answer.body) };
  } catch (error) {
    const { range, ...headers } = options.headers;
    // What is here is longer than what is there, and cannot be a part of it: the whole is asked for.
    const isUnsatisfiable = error instanceof Error && 'code' in error && error.code === 'E416';
    if (!isUnsatisfiable || range === undefined) throw error;
    return openRange(address, { ...options, headers });
  }
}

async function* bytesOf(body: NodeJS.ReadableStream | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  for await (const chunk of body) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Asks the registry where the archive lies, and whether it has the pinned digest at all. */
async function resolveAddress(
  spec: string,
  integrity: Integrity,
  options: Readonly<Record<string, unknown>>,
): Promise<string> {
  const manifest = await pacote.manifest(spec, { ...options, fullMetadata: false });
  const offered = manifest.dist.integrity;
  if (offered !== undefined && !offered.split(/\s+/).includes(integrity)) {
    throw Object.assign(new Error('another digest'), { code: 'EINTEGRITY' });
  }
  return manifest._resolved;
}

function fetchRetries(config: NpmConfig): number {
  const retry = config.fetchOptions['retry'];
  const retries =
    typeof retry === 'object' && retry !== null && 'retries' in retry ? retry.retries : undefined;
  return typeof retries === 'number' ? retries : 2;
}

function scopeOf(spec: string): string | undefined {
  return spec.startsWith('@') ? spec.slice(0, spec.indexOf('/')) : undefined;
}

const unwritable = new Set(['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOENT']);

function fileSystemFailure(error: unknown, directory: string): BinaryCacheError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error || 'syscall' in error))
    return undefined;
  if ('syscall' in error && error.syscall === 'connect') return undefined;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'EFBIG') {
    return new BinaryCacheError('no-space', `No space for the download in ${directory} (${error.code}).`, {
      cause: error,
    });
  }
  if (unwritable.has(String(error.code))) {
    return new BinaryCacheError(
      'cache-unwritable',
      `The download cannot be written to ${directory} (${error.code}). npm's setting \`cache\` names that folder; the source's option \`directory\` another.`,
      { cause: error },
    );
  }
  return undefined;
}

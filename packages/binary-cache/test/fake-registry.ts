import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { artifactFor } from '../src/release.ts';
import type { ToolPackage } from './tool-release.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeRegistry extends AsyncDisposable {
  readonly url: string;
  /** Every request as `METHOD path`, with its range. */
  readonly requests: {
    readonly path: string;
    readonly range: string | undefined;
    readonly authorization: string | undefined;
    readonly agent: string | undefined;
  }[];
  /** Replaces the proper answer; gives back to it by calling `proper`. */
  onPackument: Answer | undefined;
  onTarball: Answer | undefined;
  /** What the packument says the digest is; the real one unless set. */
  statedIntegrity: string | undefined;
  /** The proper answer to a request for the tarball: with ranges. */
  sendTarball: Answer;
}

/** A registry on loopback that holds one package, and misbehaves as told. */
export async function startFakeRegistry(tool: ToolPackage, tls?: ServerOptions): Promise<FakeRegistry> {
  const artifact = artifactFor(tool.release, { os: 'linux', arch: 'x64' });
  const name = artifact.npmSpec.slice(0, artifact.npmSpec.lastIndexOf('@'));
  const handle: Answer = (request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    registry.requests.push({
      path,
      range: request.headers.range,
      authorization: request.headers.authorization,
      agent: request.headers['user-agent'],
    });
    if (path === `/${name}`) return (registry.onPackument ?? sendPackument)(request, response);
    if (path === '/files/tool.tgz') return (registry.onTarball ?? registry.sendTarball)(request, response);
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sendPackument: Answer = (_request, response) => {
    const dist = {
      tarball: `${url}/files/tool.tgz`,
      integrity: registry.statedIntegrity ?? artifact.integrity,
    };
    const { version } = tool.release;
    const body = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const registry: FakeRegistry = {
    url,
    requests: [],
    onPackument: undefined,
    onTarball: undefined,
    statedIntegrity: undefined,
    sendTarball: (request, response) => sendRange(tool.tarball, request, response),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}

function sendRange(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const headers = { 'content-type': 'application/octet-stream' };
  if (asked === null) {
    response.writeHead(200, { ...headers, 'content-length': bytes.byteLength }).end(bytes);
    return;
  }
  const first = Number(asked[1]);
  const last = Math.min(asked[2] === '' ? bytes.byteLength : Number(asked[2]), bytes.byteLength - 1);
  if (first > last) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.byteLength}` }).end();
    return;
  }
  const part = bytes.subarray(first, last + 1);
  const range = `bytes ${first}-${last}/${bytes.byteLength}`;
  response
    .writeHead(206, { ...headers, 'content-length': part.byteLength, 'content-range': range })
    .end(part);
}

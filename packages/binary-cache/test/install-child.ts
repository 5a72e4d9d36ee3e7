import { text } from 'node:stream/consumers';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { createBinaryCache } from '../src/binary-cache.ts';
import { fileSource } from '../src/file-source.ts';
import type { Integrity } from '../src/integrity.ts';
import { toolRelease } from './tool-release.ts';

// One program of several that share a cache: installs, and says how far it is, a JSON line each. On standard input may come where a host is.
const [folder = '', archive = '', integrity = ''] = process.argv.slice(2);
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const destination = await text(process.stdin);
await using host = destination === '' ? createLocalHost() : await openSshHost(JSON.parse(destination));
const cache = createBinaryCache({ sources: [fileSource({ path: archive })], directory: hostPath(folder) });
const release = toolRelease('1.0.0', integrity as Integrity);
const binary = await cache.ensure(host, release, { onProgress: say });
say(binary);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { missingForJava, startJavaServer } from './java-server.ts';
import { openMongodbServers } from './open-servers.ts';
import { openTestDatabase } from './test-database.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-mongodb-server-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function answers(uri: string): Promise<boolean> {
  const socket = connect(Number(new URL(uri).port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Refused: nobody listens.
    return false;
  } finally {
    socket.destroy();
  }
}

/** What it takes to start a server of Java is missing here. */
function whyNoJava(): string | undefined {
  const missing = missingForJava(process.env);
  return missing.length === 0 ? undefined : `${missing.join(', ')} not on PATH`;
}

test('a run that is killed leaves no server', async (context) => {
  const why = whyNoJava();
  if (why !== undefined) return context.skip(why);
  const { MONGODB_TEST_URI: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../test/open-servers-child.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await once(child.stdout, 'data');
  const uri = String(printed).trim();
  expect(await answers(uri)).toBe(true);
  child.kill('SIGKILL');
  while (await answers(uri)) await wait(20);
});

test('two runs that find nothing prepared prepare it once, and leave nothing else', async (context) => {
  const why = whyNoJava();
  if (why !== undefined) return context.skip(why);
  const caches = { shared: join(folder, 'shared'), own: join(folder, 'own') };
  await using started = new AsyncDisposableStack();
  const servers = await Promise.all([startJavaServer(caches), startJavaServer(caches)]);
  for (const server of servers) started.use(server);
  expect(new Set(servers.map(({ server }) => server.uri)).size).toBe(2);
  expect(await readdir(caches.own)).toEqual([
    'lock.sqlite',
    expect.stringMatching(/^mongo-java-server-1\.46\.0-[0-9a-f]{12}$/),
  ]);
}, 300_000);

/** A `mongod` in the folder, and the PATH on which it comes first. `undefined` where there is no server that it could lead to. */
async function plantMongod(): Promise<string | undefined> {
  const [server] = inject('mongodbUris');
  if (server === undefined) return undefined;
  await copyFile(join(import.meta.dirname, '../test/mongod-child.mjs'), join(folder, 'mongod'));
  await writeFile(join(folder, 'port'), new URL(server.uri).port);
  return [folder, dirname(process.execPath), process.env['PATH']].join(':');
}

test('a mongod whose port was taken meanwhile is started at another', async (context) => {
  const path = await plantMongod();
  if (path === undefined) return context.skip(inject('mongodbAbsence'));
  await writeFile(join(folder, 'taken'), '');
  await using opened = await openMongodbServers({ PATH: path });
  expect(opened.servers.map(({ name }) => name)).toEqual(['mongod 4.4.99']);
  expect(await readdir(folder)).not.toContain('taken');
});

test('a mongod on PATH comes first, and is ended with the run', async (context) => {
  const path = await plantMongod();
  if (path === undefined) return context.skip(inject('mongodbAbsence'));
  const opened = await openMongodbServers({ PATH: path });
  const [started] = opened.servers;
  expect(started?.name).toBe('mongod 4.4.99');
  const uri = started?.uri ?? '';
  const database = await openTestDatabase(uri);
  await database.db.collection('notes').insertOne({ n: 1 });
  expect(await database.db.collection('notes').countDocuments()).toBe(1);
  await database[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
  expect(await answers(uri)).toBe(false);
});

import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CacheFolders, lockFolder } from './cache-folder.ts';
import type { StartedServer } from './mongodb-server.ts';
import { programOnPath } from './program-on-path.ts';
import { runTool } from './run-tool.ts';

const SOURCES = join(import.meta.dirname, 'java');
const VERSION = '1.46.0';
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
/** From an empty local repository it takes half a minute on a slow line. */
const FETCH_MS = 10 * 60_000;
const COMPILE_MS = 5 * 60_000;
const FETCH_TRIES = 3;
const FETCH_PAUSE_MS = 2_000;

/** Which programs it takes and are missing here. */
export function missingForJava(env: NodeJS.ProcessEnv): readonly string[] {
  return ['java', 'javac', 'mvn'].filter((program) => programOnPath(program, env) === undefined);
}

/**
 * Starts mongo-java-server, in memory, on a free port. Fetched and compiled once, then kept.
 * It ends when its standard input does: also when this program is killed.
 */
export async function startJavaServer(caches: CacheFolders): Promise<StartedServer> {
  const built = await builtServer(caches);
  const classpath = `${join(built, 'lib')}/*:${join(built, 'classes')}`;
  const child = spawn('java', ['-XX:+UseSerialGC', '-cp', classpath, 'Server'], {
    cwd: built,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  child.stdin.on('error', () => undefined);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-1_500);
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const address = new Promise<string>((found) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const end = printed.indexOf('\n');
      if (end !== -1) found(printed.slice(0, end).trim());
    });
  });
  const uri = await Promise.race([address, exited.then(() => undefined)]);
  if (uri === undefined) throw new Error(`mongo-java-server ended as soon as it was started: ${said.trim()}`);
  return { server: { name: `mongo-java-server ${VERSION}`, uri }, [Symbol.asyncDispose]: stop };
}

/** A folder with `lib` and `classes`. Its name holds what it is made from, so that a change here makes another. */
async function builtServer({ shared, own }: CacheFolders): Promise<string> {
  const sources = ['pom.xml', 'Server.java'].map((file) => readFileSync(join(SOURCES, file)));
  const digest = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12);
  const name = `mongo-java-server-${VERSION}-${digest}`;
  if (existsSync(join(shared, name))) return join(shared, name);
  using _lock = await lockFolder(own);
  const target = join(own, name);
  if (existsSync(target)) return target;
  const scratch = join(own, `${name}.${randomUUID()}`);
  try {
    await build(scratch);
    await rename(scratch, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return target;
}

async function build(folder: string): Promise<void> {
  await mkdir(folder);
  await cp(SOURCES, folder, { recursive: true });
  const fetch = ['--batch-mode', '--quiet', '--strict-checksums', COPY_DEPENDENCIES, '-DoutputDirectory=lib'];
  await fetched(async () => await runTool('mvn', fetch, { cwd: folder, timeoutMs: FETCH_MS }));
  const compile = ['-cp', 'lib/*', '-d', 'classes', 'Server.java'];
  await runTool('javac', compile, { cwd: folder, timeoutMs: COMPILE_MS });
}

/** A registry that refuses once may answer the next time; what came over is kept by Maven. */
async function fetched(fetch: () => Promise<unknown>): Promise<void> {
  for (let left = FETCH_TRIES - 1; ; left -= 1) {
    try {
      await fetch();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(FETCH_PAUSE_MS);
    }
  }
}

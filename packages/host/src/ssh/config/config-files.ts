import { glob, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { HostError } from '../../host-error.ts';
import { type ConfigLine, malformed, parseConfigLines } from './config-lines.ts';

const MAX_FILES = 200;
const MAX_BYTES = 1024 * 1024;
const SYSTEM_FOLDER = '/etc/ssh';

/** A file that is read: as its owner's own, or as somebody's who may do what they want. */
export interface ConfigFile {
  readonly path: string;
  /** Whether it must not be another's to change, as OpenSSH demands of ~/.ssh/config and what it includes. */
  readonly isGuarded: boolean;
}

/** Reads each file once, as long as it lives. */
export interface ConfigFiles {
  /**
   * The lines of a file, none when it is not there.
   *
   * @throws {HostError} `permission-denied`, `io`, `limit-exceeded`, `invalid-config`.
   */
  lines(file: ConfigFile): Promise<readonly ConfigLine[]>;
  /** The files that an `Include` of another file means, in order. */
  included(pattern: string, by: ConfigFile, place: string): Promise<readonly ConfigFile[]>;
}

export function createConfigFiles(home: string): ConfigFiles {
  const read = new Map<string, Promise<readonly ConfigLine[]>>();
  const linesOf = async ({ path, isGuarded }: ConfigFile): Promise<readonly ConfigLine[]> => {
    const text = await readText(path, isGuarded);
    return text === undefined ? [] : parseConfigLines(text, path);
  };
  return {
    lines(file) {
      const before = read.get(file.path);
      if (before !== undefined) return before;
      if (read.size >= MAX_FILES) {
        throw new HostError(
          'limit-exceeded',
          `${file.path} is one file too many: ${MAX_FILES} are included already.`,
        );
      }
      const reading = linesOf(file);
      read.set(file.path, reading);
      return reading;
    },
    async included(pattern, by, place) {
      if (/^~[^/]|%|\$\{/.test(pattern)) {
        throw new HostError(
          'unsupported',
          `${place}: Include ${pattern} names another home, a token or a variable, which is not looked up; write the whole path.`,
        );
      }
      const folder = dirname(by.path) === SYSTEM_FOLDER ? SYSTEM_FOLDER : join(home, '.ssh');
      const path = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
      const full = isAbsolute(path) ? path : join(folder, path);
      const paths = await matching(full, place);
      return paths.map((one) => ({ path: one, isGuarded: by.isGuarded }));
    },
  };
}

async function matching(pattern: string, place: string): Promise<readonly string[]> {
  if (!/[*?[]/.test(pattern)) return [pattern];
  if (/[{}()!\\]|\*\*/.test(pattern))
    throw malformed(place, `${JSON.stringify(pattern)} is no plain pattern of file names`);
  const found: string[] = [];
  for await (const path of glob(pattern)) if (!isHidden(path, pattern)) found.push(path);
  return found.sort();
}

/** What begins with a dot is meant only by a pattern that says so. */
function isHidden(path: string, pattern: string): boolean {
  const patterns = pattern.split('/');
  return path.split('/').some((part, at) => part.startsWith('.') && patterns[at]?.startsWith('.') !== true);
}

async function readText(path: string, isGuarded: boolean): Promise<string | undefined> {
  try {
    const { uid, mode, size } = await stat(path);
    if (size > MAX_BYTES) throw new HostError('limit-exceeded', `${path} is longer than ${MAX_BYTES} bytes.`);
    if (isGuarded && ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.getuid?.()))) {
      throw new HostError(
        'permission-denied',
        `${path} is not used: it belongs to another user, or others may change it (chmod go-w).`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new HostError('io', `Could not read ${path}.`, { cause });
  }
}

import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchTopic } from './bench-topic.ts';

/** Something that the person at the keyboard can put right. */
export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError';
}

/** The topics that packages have in `bench/<name>.bench.ts`, by their names. The file says the name, so that nothing need be loaded to list them. */
export function findTopics(root: string): ReadonlyMap<string, string> {
  const files = globSync('packages/*/bench/*.bench.ts', { cwd: root }).sort();
  const topics = new Map<string, string>();
  for (const file of files) {
    const name = basename(file, '.bench.ts');
    const other = topics.get(name);
    if (other !== undefined)
      throw new BenchUsageError(`Two topics are called "${name}": ${other} and ${file}. Rename one.`);
    topics.set(name, file);
  }
  return topics;
}

/**
 * The files of the topics that were asked for; of all when none was.
 *
 * @throws {BenchUsageError} for a name that no topic has; the message lists those that there are.
 */
export function selectTopics(
  topics: ReadonlyMap<string, string>,
  names: readonly string[],
): readonly string[] {
  if (names.length === 0) return [...topics.values()];
  return names.map((name) => {
    const file = topics.get(name);
    if (file === undefined) {
      const known = [...topics.keys()].join(', ') || 'none yet';
      throw new BenchUsageError(`There is no topic ${JSON.stringify(name)}. There are: ${known}.`);
    }
    return file;
  });
}

/** Loads a topic. @throws {BenchUsageError} when the file exports none, or one of another name than the file's. */
export async function loadTopic(root: string, file: string): Promise<BenchTopic> {
  const loaded: { readonly topic?: unknown } = await import(pathToFileURL(join(root, file)).href);
  const { topic } = loaded;
  if (!isTopic(topic)) throw new BenchUsageError(`${file} has to export "topic", a BenchTopic.`);
  const name = basename(file, '.bench.ts');
  if (topic.name !== name) {
    throw new BenchUsageError(
      `The topic in ${file} calls itself "${topic.name}": name it "${name}", as the file.`,
    );
  }
  return topic;
}

function isTopic(value: unknown): value is BenchTopic {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'name' in value &&
    typeof value.name === 'string' &&
    'measure' in value &&
    typeof value.measure === 'function'
  );
}

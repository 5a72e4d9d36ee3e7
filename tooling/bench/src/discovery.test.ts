import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTopics, loadTopic, selectTopics } from './discovery.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seedbed-bench-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function writeTopic(file: string, text: string): Promise<string> {
  await mkdir(join(root, file, '..'), { recursive: true });
  await writeFile(join(root, file), text);
  return file;
}

test('topics are the bench files of the packages', async () => {
  await writeTopic('packages/a/bench/start.bench.ts', '');
  await writeTopic('packages/b/bench/rate.bench.ts', '');
  await writeTopic('packages/b/bench/support.ts', '');
  expect([...findTopics(root).keys()]).toEqual(['start', 'rate']);
});

test('an unknown topic is refused, and the message lists those that there are', async () => {
  await writeTopic('packages/a/bench/start.bench.ts', '');
  expect(() => selectTopics(findTopics(root), ['strat'])).toThrow(
    'There is no topic "strat". There are: start.',
  );
  expect(selectTopics(findTopics(root), [])).toEqual(['packages/a/bench/start.bench.ts']);
});

test('two topics of one name are refused', async () => {
  await writeTopic('packages/a/bench/start.bench.ts', '');
  await writeTopic('packages/b/bench/start.bench.ts', '');
  expect(() => findTopics(root)).toThrow('Two topics are called "start"');
});

test('a file that exports no topic, or one of another name, is refused', async () => {
  const none = await writeTopic('packages/a/bench/none.bench.ts', 'export const topic = { name: "none" };');
  await expect(loadTopic(root, none)).rejects.toThrow('has to export "topic"');
  const other = await writeTopic(
    'packages/a/bench/other.bench.ts',
    'export const topic = { name: "x", measure: async () => [] };',
  );
  await expect(loadTopic(root, other)).rejects.toThrow('name it "other"');
});

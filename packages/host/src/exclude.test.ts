import { expect, it } from 'vitest';
import { createExclude } from './index.ts';

const leftOut = (globs: readonly string[], paths: readonly string[]): readonly string[] =>
  paths.filter(createExclude(globs));

it('leaves out a name at any depth, and a path from the root', () => {
  const paths = ['node_modules', 'a/node_modules', 'a/x.log', 'build/cache', 'a/build/cache', '.hidden.log'];
  expect(leftOut(['node_modules', '*.log', '/build/cache/'], paths)).toEqual([
    'node_modules',
    'a/node_modules',
    'a/x.log',
    'build/cache',
    '.hidden.log',
  ]);
});

it('leaves out nothing of a path with ! in front, which is taken as it stands', () => {
  const paths = [
    'home/sessions',
    'home/sessions/2026/a.jsonl',
    'home/sessions-b/a.jsonl',
    'sessions/a.jsonl',
  ];
  const globs = ['*.jsonl', 'sessions', 'home/sessions/*', '2026'];
  expect(leftOut([...globs, '!home/sessions'], paths)).toEqual([
    'home/sessions-b/a.jsonl',
    'sessions/a.jsonl',
  ]);
  expect(leftOut(['*.log', '!*.log'], ['a.log', '*.log', '*.log/b.log'])).toEqual(['a.log']);
});

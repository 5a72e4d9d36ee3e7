import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAgentGlobs } from './agent-globs.ts';

it.each<readonly [string, readonly string[], readonly string[]]>([
  ['target', ['target', 'a/target'], ['targets', 'target/x']],
  ['*.o', ['x.o', 'a/b/.o'], ['x.oo', 'x.o/y']],
  ['build/', ['build'], ['a/build']],
  ['/build/cache', ['build/cache'], ['a/build/cache', 'build/cache/x']],
  ['./build', ['build'], ['a/build']],
  ['./*.o', ['x.o'], ['a/x.o']],
  ['a/*/c', ['a/b/c'], ['a/c', 'a/b/b/c']],
  ['a/**', ['a', 'a/b', 'a/b/c'], ['b/a']],
  ['**/x?/*.tmp', ['x1/a.tmp', 'a/b/xy/.tmp'], ['x/a.tmp', 'xy/a/b.tmp']],
  ['a/**/b/**/c', ['a/b/c', 'a/x/b/b/y/c'], ['a/c', 'a/b/c/d']],
  ['a+(b)[c]{d}', ['a+(b)[c]{d}'], ['abcd']],
])('%s names what it says', (glob, named, others) => {
  const isNamed = createAgentGlobs([glob]);
  for (const path of named) expect(isNamed(path), path).toBe(true);
  for (const path of others) expect(isNamed(path), path).toBe(false);
});

it('agrees with the obvious way to match, which may take for ever', () => {
  const slow = (glob: string, name: string): boolean => {
    if (glob === '') return name === '';
    if (glob.startsWith('*')) return slow(glob.slice(1), name) || (name !== '' && slow(glob, name.slice(1)));
    return name !== '' && (glob[0] === '?' || glob[0] === name[0]) && slow(glob.slice(1), name.slice(1));
  };
  const text = (letters: string) =>
    fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 9 }).map((all) => all.join(''));
  fc.assert(
    fc.property(text('ab*?'), text('ab'), (glob, name) => {
      expect(createAgentGlobs([glob])(name)).toBe(slow(glob, name));
    }),
    { numRuns: 2_000 },
  );
});

it('comes to an end, whatever the glob', () => {
  const isNamed = createAgentGlobs([`${'*a'.repeat(100)}*b`, `${'**/*a*/'.repeat(50)}b`, '*.ok']);
  for (let at = 0; at < 100; at += 1) {
    expect(isNamed('a'.repeat(250))).toBe(false);
    expect(isNamed('a/'.repeat(1_000))).toBe(false);
  }
  expect(isNamed('x.ok')).toBe(true);
});

it('names nothing more once it has taken too long', () => {
  const isNamed = createAgentGlobs(['*a*a*b', '*.ok'], { maxSteps: 100 });
  expect(isNamed('x.ok')).toBe(true);
  isNamed('a'.repeat(200));
  expect(isNamed('x.ok')).toBe(false);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostPath, hostPathName, joinHostPath, parentHostPath, relativeHostPath } from './host-path.ts';

describe('a path on a host', () => {
  it('is absolute and normalised, whatever it was made from', () => {
    const segment = fc.oneof(
      fc.constantFrom('', '.', '..', 'a', ' ', '\udcff'),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const text = `/${segments.join('/')}`.replaceAll('\0', '');
        const path = hostPath(text);
        expect(path.startsWith('/')).toBe(true);
        expect(
          path
            .slice(1)
            .split('/')
            .some((one) => one === '.' || one === '..'),
        ).toBe(false);
        expect(path === '/' || !path.includes('//')).toBe(true);
        expect(path === '/' || !path.endsWith('/')).toBe(true);
        expect(hostPath(path)).toBe(path);
        expect(path === '/' || joinHostPath(parentHostPath(path), hostPathName(path)) === path).toBe(true);
      }),
    );
  });

  it('is refused when it is relative, or holds a NUL', () => {
    for (const text of ['', 'a', './a', '~/a', '/a\0b']) {
      expect(() => hostPath(text)).toThrow(expect.objectContaining({ code: 'invalid-path' }));
    }
  });

  it('is inside a folder only by whole segments', () => {
    expect(relativeHostPath(hostPath('/a'), hostPath('/a/b/c'))).toBe('b/c');
    expect(relativeHostPath(hostPath('/a'), hostPath('/a'))).toBe('');
    expect(relativeHostPath(hostPath('/a'), hostPath('/ab'))).toBe(undefined);
    expect(relativeHostPath(hostPath('/a'), hostPath('/a/../ab'))).toBe(undefined);
    expect(relativeHostPath(hostPath('/'), hostPath('/ab'))).toBe('ab');
  });
});

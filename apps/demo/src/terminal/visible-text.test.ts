import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visibleText } from './visible-text.ts';

describe('text of others on a terminal', () => {
  it.each([
    ['\u001b[2J\u001b]0;title\u0007', '␛[2J␛]0;title␇'],
    ['\u009b31m', '<009B>31m'],
    ['over\rwritten', 'over␍written'],
    ['back\b\u007f', 'back␈␡'],
    ['safe\u202etxt.exe\u2066', 'safe<202E>txt.exe<2066>'],
    ['a\u200bb\u2028c\u{e0041}', 'a<200B>b<2028>c<E0041>'],
  ])('shows what %j would do instead of doing it', (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  it('leaves ordinary text as it is', () => {
    const text = 'Grüße, 世界 👩‍🔧\n  indented';
    expect(visibleText(text)).toBe(text);
    expect(visibleText('one\r\n\ttwo')).toBe('one\n    two');
  });

  it('lets no control through, whatever comes', () => {
    const anything = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(anything, (text) => {
        const shown = visibleText(text);
        expect(shown.replaceAll(/[\n\u200d]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
      }),
    );
  });
});

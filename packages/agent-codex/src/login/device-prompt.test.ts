import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPromptFinder, type DevicePrompt } from './device-prompt.ts';

/** As both versions print it, colours included. */
const printed = [
  'Welcome to Codex [v\u001b[90m0.169.0\u001b[0m]',
  '1. Open this link in your browser and sign in to your account',
  '   \u001b[94mhttps://auth.openai.com/codex/device\u001b[0m',
  '2. Enter this one-time code \u001b[90m(expires in 15 minutes)\u001b[0m',
  '   \u001b[94mJCMM-FGZF2\u001b[0m',
  '',
].join('\n');

const prompt = { url: 'https://auth.openai.com/codex/device', code: 'JCMM-FGZF2' };

function promptsIn(pieces: readonly string[]): readonly DevicePrompt[] {
  const find = createPromptFinder('https://auth.openai.com');
  return pieces.flatMap((piece) => find(piece) ?? []);
}

test('is found once, wherever the output is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(printed.length), { maxLength: 12 }), (cuts) => {
      const at = [0, ...cuts.toSorted((one, other) => one - other), printed.length];
      const pieces = at.slice(1).map((end, index) => printed.slice(at[index], end));
      expect(promptsIn([...pieces, printed])).toEqual([prompt]);
    }),
    // In the middle of a colour.
    { examples: [[[146]]] },
  );
});

test('is not taken from an address of somebody else, nor a code that is not one', () => {
  expect(promptsIn([printed.replaceAll('auth.openai.com', 'auth.openai.com.evil.example')])).toEqual([]);
  expect(promptsIn([printed.replaceAll('https:', 'http:')])).toEqual([]);
  expect(promptsIn([printed.replace('JCMM-FGZF2', 'JCMM-FGZF2; rm -rf ~')])).toEqual([]);
  expect(promptsIn([`https://evil.example/codex/device\n${printed}`])).toEqual([prompt]);
});

test('is not looked for in output without end', () => {
  const noise = 'x'.repeat(1024);
  expect(promptsIn([...Array.from({ length: 100 }, () => noise), `\n${printed}`])).toEqual([]);
});

test('is nothing, or both parts in their form, whatever is printed', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 8 }), (pieces) => {
      for (const { url, code } of promptsIn(['https://auth.openai.com/x', ...pieces])) {
        expect(new URL(url).origin).toBe('https://auth.openai.com');
        expect(code).toMatch(/^[A-Z0-9-]+$/);
      }
    }),
  );
});

import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openKeyboard } from './keyboard.ts';

const never = new AbortController().signal;

describe('the keyboard', () => {
  it('gives the line that is typed after it was asked for', async () => {
    const input = new PassThrough();
    using keyboard = openKeyboard(input);
    const line = keyboard.nextLine(never);
    input.write('y\n');
    expect(await line).toBe('y');
  });

  it('ignores what was typed before anything was asked: nobody agrees to what was not shown', async () => {
    const input = new PassThrough();
    using keyboard = openKeyboard(input);
    input.write('y\ny\n');
    await setImmediate();
    const line = keyboard.nextLine(never);
    input.write('n\n');
    expect(await line).toBe('n');
  });

  it('gives nothing once the input has ended', async () => {
    const input = new PassThrough();
    using keyboard = openKeyboard(input);
    const line = keyboard.nextLine(never);
    input.end();
    expect(await line).toBeUndefined();
    expect(await keyboard.nextLine(never)).toBeUndefined();
  });

  it('gives up when the question is settled otherwise', async () => {
    using keyboard = openKeyboard(new PassThrough());
    const settled = new AbortController();
    const line = keyboard.nextLine(settled.signal);
    settled.abort();
    expect(await line).toBeUndefined();
    expect(await keyboard.nextLine(settled.signal)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { helpText, parseCommandLine } from './command-line.ts';

describe('the command line', () => {
  it('means the careful things when it says nothing', () => {
    expect(parseCommandLine([])).toEqual({
      help: false,
      yes: false,
      codex: '0.169.0',
      model: undefined,
      sandbox: 'codex',
      workdir: undefined,
      keep: false,
    });
  });

  it('takes every option that its help names', () => {
    const args = [
      '-y',
      '--codex',
      '0.142.5',
      '--model',
      'm',
      '--sandbox=external',
      '--workdir',
      'd',
      '--keep',
    ];
    expect(parseCommandLine(args)).toEqual({
      help: false,
      yes: true,
      codex: '0.142.5',
      model: 'm',
      sandbox: 'external',
      workdir: 'd',
      keep: true,
    });
    for (const option of ['--yes', '--codex', '--model', '--sandbox', '--workdir', '--keep', '--help']) {
      expect(helpText).toContain(option);
    }
  });

  it.each([
    [['--codex', '0.1.0'], '--codex takes 0.142.5 or 0.169.0, not "0.1.0".'],
    [['--codex', 'toString'], '--codex takes'],
    [['--sandbox', 'none'], '--sandbox takes codex or external, not "none".'],
    [['--model', ' '], '--model needs a value.'],
    [['--workdir='], '--workdir needs a value.'],
    [['--frobnicate'], "Unknown option '--frobnicate'"],
    [['something'], "Unexpected argument 'something'"],
  ])('refuses %j and says where help is', (args, message) => {
    expect(() => parseCommandLine(args)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(new RegExp(`^${RegExp.escape(message)}.*--help$`, 's')),
      }),
    );
  });
});

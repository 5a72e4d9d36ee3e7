import { describe, expect, it } from 'vitest';
import { shellCommand } from './shell-command.ts';

describe('a command that Codex hands to a shell', () => {
  it.each([
    ["/bin/bash -lc 'node --test'", 'node --test'],
    ['/usr/bin/zsh -c "ls -l"', 'ls -l'],
    ['/bin/bash -c ls', 'ls'],
  ])('%s is shown as it was written', (command, shown) => {
    expect(shellCommand(command)).toBe(shown);
  });

  it.each([
    "/bin/bash -c 'echo '\\''x'\\'''",
    '/bin/bash -c "echo $HOME"',
    "/bin/bash -c 'ls' ; rm -rf .",
    "/tmp/bash -c 'ls'",
    'rm -rf /',
  ])('%s is shown whole, because something else than the quoted text may run', (command) => {
    expect(shellCommand(command)).toBe(command);
  });
});

import { describe, expect, it } from 'vitest';
import { AgentCodexError, parseCodexTaskConfig } from './index.ts';

function refusal(input: unknown): string {
  try {
    parseCodexTaskConfig(input);
  } catch (error) {
    if (error instanceof AgentCodexError) return `${error.code}: ${error.message}`;
  }
  return 'taken';
}

describe('parseCodexTaskConfig', () => {
  it('takes nothing at all: every default is the careful one', () => {
    expect(parseCodexTaskConfig({})).toEqual({});
  });

  it.each([
    [
      'a sandbox mode that is said in config.toml',
      { config: { sandbox_mode: 'danger-full-access' } },
      'config.sandbox_mode',
      'sandbox',
    ],
    [
      'approvals that are said there',
      { config: { approval_policy: 'never' } },
      'config.approval_policy',
      'sandbox',
    ],
    [
      'the environment of commands',
      { config: { shell_environment_policy: {} } },
      'config.shell_environment_policy',
      'sandbox',
    ],
    ['two lists of tool servers', { config: { mcp_servers: {} } }, 'config.mcp_servers', 'mcpServers'],
    ['two models', { model: 'a', config: { model: 'b' } }, 'config.model', 'model'],
    [
      'a home that is not the task’s own',
      { env: { CODEX_HOME: '/root/.codex' } },
      'env.CODEX_HOME',
      'workdir',
    ],
  ])('refuses %s and names both settings', (_, input, one, other) => {
    const message = refusal(input);
    expect(message).toContain('invalid-config');
    expect(message).toContain(`${one} contradicts ${other}`);
  });

  it.each([
    ['a misspelt field', { modle: 'x' }, 'modle'],
    ['a deadline of nothing', { deadlines: { startMs: 0 } }, 'deadlines.startMs'],
    [
      'a tool server by an odd address',
      { mcpServers: { x: { type: 'http', url: 'file:///etc/passwd' } } },
      'mcpServers.x',
    ],
    ['a variable that is no name', { env: { 'A=B': '1' } }, 'A=B'],
  ])('refuses %s and names it', (_, input, name) => {
    expect(refusal(input)).toContain(name);
  });

  it('never quotes a secret', () => {
    const message = refusal({
      login: { type: 'api-key', apiKey: 'sk-canary', extra: 'sk-canary' },
      env: { TOKEN: 7 },
    });
    expect(message).toContain('invalid-config');
    expect(message).not.toContain('sk-canary');
  });
});

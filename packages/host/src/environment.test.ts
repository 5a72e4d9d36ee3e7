import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCredentialName, safeEnvironment, scrubEnvironment } from './environment.ts';

const canaries = {
  OPENAI_API_KEY: 'canary',
  aws_secret_access_key: 'canary',
  GITHUB_TOKEN: 'canary',
  NPM_CONFIG__authToken: 'canary',
  PGPASSWORD: 'canary',
  MYSQL_PWD: 'canary',
  GOOGLE_APPLICATION_CREDENTIALS: 'canary',
  SSH_AUTH_SOCK: 'canary',
  GH_PAT: 'canary',
  DATABASE_URL: 'canary',
  SENTRY_DSN: 'canary',
  CODEX_HOME: 'canary',
  NODE_OPTIONS: 'canary',
  LD_PRELOAD: 'canary',
  HTTPS_PROXY: 'http://user:canary@proxy',
};
const harmless = {
  PATH: '/bin',
  HOME: '/h',
  LANG: 'C',
  LC_ALL: 'C',
  LC_TIME: 'C',
  TZ: 'UTC',
  USER: 'u',
  SHELL: '/bin/sh',
};

describe('the environment that a child inherits', () => {
  it('is the safe list and nothing else', () => {
    expect({ ...safeEnvironment({ ...canaries, ...harmless, UNSET: undefined }) }).toEqual(harmless);
  });

  it('holds no credential even when the caller allows everything', () => {
    const kept = Object.keys(safeEnvironment({ ...canaries, ...harmless }, ['*', 'OPENAI_API_KEY']));
    expect(kept.filter(isCredentialName)).toEqual([]);
    expect(kept).not.toContain('OPENAI_API_KEY');
    expect(kept).not.toContain('aws_secret_access_key');
    expect(kept).toContain('PATH');
  });

  it('never keeps a name with a credential word in it, wherever the word stands and however it is written', () => {
    const words = fc.constantFrom('key', 'SECRET', 'Token', 'password', 'CREDENTIAL', 'Auth', 'cookie');
    const part = fc.stringMatching(/^[A-Za-z0-9_]{0,8}$/);
    fc.assert(
      fc.property(part, words, part, (before, word, after) => {
        expect(isCredentialName(`${before}${word}${after}`)).toBe(true);
      }),
    );
  });

  it('is not fooled by names that objects have', () => {
    const kept = safeEnvironment({ ['__proto__']: 'x', constructor: 'x', PATH: '/bin' }, ['*']);
    expect(Object.keys(kept).sort()).toEqual(['PATH', '__proto__', 'constructor']);
    expect(Object.getPrototypeOf(kept)).toBe(null);
  });
});

describe('scrubbing', () => {
  it('removes what a glob names, whatever its case, and keeps the rest', () => {
    const env = { CODEX_HOME: 'a', codex_x: 'b', PATH: 'c', 'ODD NAME': 'd' };
    expect({ ...scrubEnvironment(env, ['CODEX_*', 'odd*']) }).toEqual({ PATH: 'c' });
    expect({ ...scrubEnvironment(env, []) }).toEqual(env);
  });
});

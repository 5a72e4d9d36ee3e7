import { CONFIG_KEYS_OWNED_BY_POLICY } from '@seedbed/sandbox-policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityConfig } from './identity-config.ts';

describe('what a captured config.toml says of an identity', () => {
  it('is where its provider is', () => {
    const provider = { name: 'Ours', base_url: 'https://models.example.com/v1', wire_api: 'responses' };
    const captured = {
      forced_login_method: 'chatgpt',
      model: 'our-model',
      model_provider: 'ours',
      model_providers: { ours: { ...provider, requires_openai_auth: true } },
    };
    expect(identityConfig(captured)).toEqual({ config: captured, leftOut: [] });
  });

  it('is nothing that could run, and no preference; what is left out is named', () => {
    const captured = {
      model: 'a-preference',
      notify: ['/bin/notify'],
      mcp_servers: { tools: { command: 'npx' } },
      model_providers: {
        ours: { name: 'Ours', auth: { command: '/bin/token' } },
        'of a later version': 'x',
      },
      chatgpt_base_url: { not: 'an address' },
      cli_auth_credentials_store: 'keyring',
    };
    expect(identityConfig(captured)).toEqual({
      config: { model_providers: { ours: { name: 'Ours' } } },
      leftOut: [
        'model',
        'notify',
        'mcp_servers',
        'model_providers.ours.auth',
        'model_providers.of a later version',
        'chatgpt_base_url',
        'cli_auth_credentials_store',
      ],
    });
  });

  it('never speaks beside the policy, whatever the file says', () => {
    const key = fc.oneof(
      fc.constantFrom(...CONFIG_KEYS_OWNED_BY_POLICY, 'features', '__proto__'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), (captured) => {
        const { config, leftOut } = identityConfig(captured);
        for (const owned of [...CONFIG_KEYS_OWNED_BY_POLICY, 'features']) {
          expect(config).not.toHaveProperty([owned]);
          if (Object.hasOwn(captured, owned)) expect(leftOut).toContain(owned);
        }
      }),
    );
  });
});

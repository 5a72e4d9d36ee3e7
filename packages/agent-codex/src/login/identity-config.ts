import type { CodexConfig } from '../task-home/config-toml.ts';

/** What a login's configuration says of its provider, and what of it is not for a task. */
export interface IdentityConfig {
  /** A layer for the config.toml of a task that starts under this login. */
  readonly config: CodexConfig;
  /** Names of the members that were there and are not in it, in dotted form; for people. */
  readonly leftOut: readonly string[];
}

/** Members that say which account and which provider, and nothing of what a task may do. */
const IDENTITY_KEYS: ReadonlySet<string> = new Set([
  'chatgpt_base_url',
  'forced_chatgpt_workspace_id',
  'forced_login_method',
  'model_provider',
  'model_providers',
  'openai_base_url',
]);

/** Of a provider, what is data. `auth` is a command, which Codex would run outside of the sandbox. */
const PROVIDER_KEYS: ReadonlySet<string> = new Set([
  'base_url',
  'env_http_headers',
  'env_key',
  'env_key_instructions',
  'http_headers',
  'name',
  'query_params',
  'request_max_retries',
  'requires_openai_auth',
  'stream_idle_timeout_ms',
  'stream_max_retries',
  'supports_websockets',
  'websocket_connect_timeout_ms',
  'wire_api',
]);

/**
 * The members of a captured `config.toml` that belong to the identity. A list of what is taken, so that nothing else comes along:
 * no trust, sandbox or approvals, which the policy decides; no commands (`notify`, hooks, tool servers), which would run outside of the sandbox; no preferences.
 * `model` comes along where the provider is not the built-in one, which alone would know the default model.
 */
export function identityConfig(captured: CodexConfig): IdentityConfig {
  const config: Record<string, unknown> = {};
  const leftOut: string[] = [];
  const isModelNeeded = captured['model_provider'] !== undefined;
  for (const [key, value] of Object.entries(captured)) {
    if (key === 'model_providers' && isTable(value)) config[key] = plainProviders(value, leftOut);
    else if (key !== 'model_providers' && IDENTITY_KEYS.has(key) && isScalar(value)) config[key] = value;
    else if (key === 'model' && isModelNeeded && isScalar(value)) config[key] = value;
    else leftOut.push(key);
  }
  return { config, leftOut };
}

function plainProviders(providers: CodexConfig, leftOut: string[]): CodexConfig {
  const plain: Record<string, CodexConfig> = Object.create(null);
  for (const [name, provider] of Object.entries(providers)) {
    if (!isTable(provider)) {
      leftOut.push(`model_providers.${name}`);
      continue;
    }
    const members = Object.entries(provider);
    plain[name] = Object.fromEntries(members.filter(([key]) => PROVIDER_KEYS.has(key)));
    for (const [key] of members) if (!PROVIDER_KEYS.has(key)) leftOut.push(`model_providers.${name}.${key}`);
  }
  return plain;
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function isTable(value: unknown): value is CodexConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

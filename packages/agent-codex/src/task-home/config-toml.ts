import { parse, stringify, type TomlTable } from 'smol-toml';
import { AgentCodexError } from '../agent-codex-error.ts';

/** A table of config.toml. */
export type CodexConfig = Readonly<Record<string, unknown>>;

/**
 * Lays tables over one another, the later ones win; tables are merged member by member, everything else is replaced,
 * and `null` takes a member away (as in RFC 7396: TOML has no null).
 */
export function mergeConfig(...layers: readonly CodexConfig[]): CodexConfig {
  return layers.reduce<CodexConfig>((merged, layer) => {
    const result: Record<string, unknown> = Object.assign(Object.create(null), merged);
    for (const [key, value] of Object.entries(layer)) {
      if (value === undefined) continue;
      const before = result[key];
      if (value === null) delete result[key];
      else result[key] = isTable(before) && isTable(value) ? mergeConfig(before, value) : value;
    }
    return result;
  }, {});
}

/** @throws {AgentCodexError} `invalid-config` when the text is not TOML; the message says where. */
export function readConfigToml(text: string): CodexConfig {
  try {
    return parse(text);
  } catch (cause) {
    throw new AgentCodexError(
      'invalid-config',
      `config.toml cannot be read: ${String(cause instanceof Error ? cause.message : cause)}`,
      {
        cause,
      },
    );
  }
}

/** @throws {AgentCodexError} `invalid-config` when a value has no form in TOML (a function, a null in a list). */
export function writeConfigToml(config: CodexConfig): string {
  try {
    return `${stringify(config satisfies CodexConfig as TomlTable)}\n`;
  } catch (cause) {
    throw new AgentCodexError(
      'invalid-config',
      'The configuration holds a value that TOML has no form for (a null in a list, for example).',
      { cause },
    );
  }
}

function isTable(value: unknown): value is CodexConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

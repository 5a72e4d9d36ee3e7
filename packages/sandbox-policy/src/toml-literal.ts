/** A value of a configuration, as TOML and JSON both have it. */
export type ConfigValue = string | number | boolean | readonly ConfigValue[] | ConfigTable;

export interface ConfigTable {
  readonly [key: string]: ConfigValue;
}

/**
 * One value as a TOML literal on one line, for the right side of `-c key=value`.
 * Every string and key is a basic string, so that no character in it can end it.
 */
export function tomlLiteral(value: ConfigValue): string {
  if (typeof value === 'string') return basicString(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(tomlLiteral).join(',')}]`;
  const pairs = Object.entries(value).map(([key, member]) => `${basicString(key)}=${tomlLiteral(member)}`);
  return `{${pairs.join(',')}}`;
}

/** JSON's strings are TOML's, but for DEL, which TOML wants escaped. */
function basicString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

function isList(value: readonly ConfigValue[] | ConfigTable): value is readonly ConfigValue[] {
  return Array.isArray(value);
}

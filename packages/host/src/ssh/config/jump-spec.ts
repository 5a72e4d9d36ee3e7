import { type ConfigLine, malformed } from './config-lines.ts';

/** One host of a `ProxyJump`, before it is looked up in the files itself. */
export interface JumpSpec {
  readonly alias: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** `[user@]host[:port]` or `ssh://[user@]host[:port]`, with commas in between. None for `none`. */
export function parseJumpSpecs(text: string, line: ConfigLine): readonly JumpSpec[] {
  return text.toLowerCase() === 'none' ? [] : text.split(',').map((one) => parseJumpSpec(one.trim(), line));
}

function parseJumpSpec(text: string, line: ConfigLine): JumpSpec {
  const plain = text.replace(/^ssh:\/\//i, '').replace(/\/$/, '');
  const found = /^(?:(.+)@)?(?:\[([^\]]+)\]|([^:@[\]]+))(?::(\d+))?$/.exec(plain);
  const alias = found?.[2] ?? found?.[3];
  if (found === null || alias === undefined || alias.startsWith('-')) {
    throw malformed(line.place, `${JSON.stringify(text)} is no host to jump through`);
  }
  return { alias, user: found[1], port: found[4] === undefined ? undefined : parsePort(found[4], line) };
}

export function parsePort(text: string, line: ConfigLine): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw malformed(line.place, `${JSON.stringify(text)} is no port`);
  }
  return port;
}

import { encodeHostPathBytes } from './host-path-bytes.ts';

/**
 * A word of a POSIX shell script that stands for exactly this text, bytes that are not UTF-8 included (see `HostPath`).
 * The only place where anything is quoted for a shell.
 */
export function shellWord(text: string): string {
  if (text.isWellFormed()) return `'${text.replaceAll("'", "'\\''")}'`;
  // A substitution drops the newlines at its end.
  const newlines = /\n*$/.exec(text)?.[0] ?? '';
  const bytes = encodeHostPathBytes(text.slice(0, text.length - newlines.length));
  const octal = Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
  return `"$(printf %b '${octal}')"'${newlines}'`;
}

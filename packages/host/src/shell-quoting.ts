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

/** How each byte is written in a format of `printf`. */
const PRINTF_FORMS: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /^[\t\n -~]$/.test(character) && !"'%\\-".includes(character)
    ? character
    : `\\${byte.toString(8).padStart(3, '0')}`;
});

/** A command of a POSIX shell that prints exactly these bytes, whatever they are. */
export function shellPrintf(bytes: Uint8Array): string {
  return `printf '${Array.from(bytes, (byte) => PRINTF_FORMS[byte]).join('')}'`;
}

/**
 * Text of an agent, a tool or a file, made harmless for a terminal: whatever would move the cursor, change colours or titles, answer back
 * or turn the order of letters around is shown as a visible sign instead. Line feeds stay; a carriage return before one goes; tabs become spaces.
 */
export function visibleText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '    ')
    .replaceAll(controlCharacters, (character) => sign(character.codePointAt(0) ?? 0));
}

/**
 * The C0 and C1 controls but the line feed; what Unicode calls format characters (directional marks, overrides and isolates, zero-width
 * ones, tags) but the joiner that holds emoji together; and the separators that some terminals take for line ends.
 */
const controlCharacters = /(?!\n|\u200d)[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function sign(code: number): string {
  // Unicode has a picture for each of the C0 controls, and one for DEL.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `<${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

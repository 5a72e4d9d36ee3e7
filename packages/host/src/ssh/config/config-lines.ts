import { type Directive, LineType, parse } from 'ssh-config';
import { HostError } from '../../host-error.ts';

/** One option of an ssh_config file. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string;
  /** Its values, without the quotes around them. */
  readonly words: readonly string[];
  /** Whether OpenSSH might read the values otherwise. */
  readonly isAmbiguous: boolean;
  /** File and line, for messages. */
  readonly place: string;
}

/**
 * The lines of a file, without comments.
 *
 * @throws {HostError} `invalid-config` for a line that is none.
 */
export function parseConfigLines(text: string, file: string): readonly ConfigLine[] {
  // Line by line: the library takes the line after a keyword without a value for its value.
  return text.split(/\r?\n/).flatMap((line, index) => {
    const place = `${file}, line ${index + 1}`;
    const found = parseLine(line, place);
    return found === undefined ? [] : [{ ...found, place }];
  });
}

function parseLine(line: string, place: string): Omit<ConfigLine, 'place'> | undefined {
  if (/^\s*(#|$)/.test(line)) return undefined;
  // The library knows no negated criteria of Match; as words they are like those of Host.
  const isMatch = /^\s*match[\s=]/i.test(line);
  const [node] = parsed(isMatch ? line.replace(/match/i, 'Host') : line, place);
  if (node?.type !== LineType.DIRECTIVE) throw malformed(place, 'there is no option in it');
  const keyword = isMatch ? 'match' : node.param.toLowerCase();
  const words = wordsOf(node);
  if (keyword === '' || words.every((word) => word === ''))
    throw malformed(place, `${node.param} has no value`);
  const rest = line
    .trimStart()
    .slice(keyword.length)
    .replace(/^\s*=?/, '');
  return { keyword, words, isAmbiguous: readsOtherwise(rest, typeof node.value === 'string') };
}

function wordsOf({ value, quoted }: Directive): readonly string[] {
  if (typeof value !== 'string') return value.map(({ val }) => val);
  return quoted === true ? [value] : value.split(/[ \t]+/);
}

function parsed(line: string, place: string): ReturnType<typeof parse> {
  try {
    return parse(line);
  } catch (cause) {
    throw malformed(place, 'a quote is not closed, or a value is missing', cause);
  }
}

/** Where the library differs from OpenSSH: escapes, single quotes, quotes and `#` within a word, `=` between words, words beside a quoted one. */
function readsOtherwise(rest: string, isOneValue: boolean): boolean {
  const plain = rest.replace(/(?<=^|\s)"[^"\\]*"(?=\s|$)/g, 'quoted');
  const words = plain.replace(/\s#.*$/, '').trim();
  if (/["'\\]|\S#/.test(words)) return true;
  return isOneValue ? plain !== rest && /\s/.test(words) : words.includes('=');
}

export function malformed(place: string, what: string, cause?: unknown): HostError {
  return new HostError(
    'invalid-config',
    `${place} cannot be understood: ${what}.`,
    cause === undefined ? {} : { cause },
  );
}

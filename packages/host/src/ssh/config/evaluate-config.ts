import { HostError } from '../../host-error.ts';
import { matchesPattern } from '../trust/known-hosts.ts';
import type { ConfigFile, ConfigFiles } from './config-files.ts';
import { type ConfigLine, malformed } from './config-lines.ts';
import { optionName, useOf } from './known-options.ts';

/** Includes within includes, as many as OpenSSH follows. */
const MAX_DEPTH = 16;
/** Their values add up; of all others the first counts. */
const REPEATABLE = new Set(['identityfile', 'certificatefile']);
/** They may have several values on one line. */
const LISTS = new Set(['globalknownhostsfile', 'userknownhostsfile']);
/** Only one of them counts, the first. */
const PROXIES = new Set(['proxyjump', 'proxycommand']);

export interface ConfigQuery {
  /** As it would be typed after `ssh`. */
  readonly alias: string;
  /** Where they are given they win over all files. */
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly localUser: string;
}

/** What the files say of a host. */
export interface ConfigValues {
  first(option: string): ConfigLine | undefined;
  all(option: string): readonly ConfigLine[];
  /** `undefined` where nothing is said. */
  flag(option: string): boolean | undefined;
}

/**
 * Goes through the files as OpenSSH does: line by line, the first value of an option counts. Nothing is run: `Match exec` is an error where it would be.
 *
 * @throws {HostError} `unsupported`, `invalid-config`, and those of the files.
 */
export async function evaluateConfig(
  files: ConfigFiles,
  roots: readonly ConfigFile[],
  query: ConfigQuery,
): Promise<ConfigValues> {
  const values = new Map<string, ConfigLine[]>();
  const state: Evaluation = {
    files,
    query,
    values,
    host: query.alias,
    isFinalPass: false,
    wantsFinalPass: false,
  };
  for (const root of roots) await applyFile(state, root, { depth: 0, isIdle: false });
  if (state.wantsFinalPass) {
    state.isFinalPass = true;
    // By now the name is settled, and Host means that.
    state.host = hostName(state).toLowerCase();
    if (!values.has('hostname')) values.set('hostname', [nameAsTyped(query.alias)]);
    for (const root of roots) await applyFile(state, root, { depth: 0, isIdle: false });
  }
  const first = (option: string): ConfigLine | undefined => values.get(option)?.[0];
  return { first, all: (option) => values.get(option) ?? [], flag: (option) => flagIn(first(option)) };
}

function nameAsTyped(alias: string): ConfigLine {
  const words = [alias.replaceAll('%', '%%')];
  return { keyword: 'hostname', words, isAmbiguous: false, place: 'The name of the host' };
}

function flagIn(line: ConfigLine | undefined): boolean | undefined {
  switch (line?.words[0]?.toLowerCase()) {
    case 'no':
    case 'false':
      return false;
    default:
      return line === undefined ? undefined : true;
  }
}

interface Evaluation {
  readonly files: ConfigFiles;
  readonly query: ConfigQuery;
  readonly values: Map<string, ConfigLine[]>;
  /** What the patterns of Host are for. */
  host: string;
  isFinalPass: boolean;
  wantsFinalPass: boolean;
}

interface Place {
  readonly depth: number;
  /** Included where nothing is meant: only whether a final pass is wanted can be learned there. */
  readonly isIdle: boolean;
}

async function applyFile(state: Evaluation, file: ConfigFile, { depth, isIdle }: Place): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new HostError('limit-exceeded', `${file.path} is included too deep: does a file include itself?`);
  }
  let isMeant = !isIdle;
  for (const line of await state.files.lines(file)) {
    if (line.keyword === 'host') isMeant = !isIdle && matchesHost(line, state.host);
    else if (line.keyword === 'match') isMeant = matchesCriteria(state, line, isIdle);
    else if (line.keyword === 'include') {
      await include(state, { file, line, place: { depth: depth + 1, isIdle: !isMeant } });
    } else if (isMeant) applyLine(state, line);
  }
}

interface Including {
  readonly file: ConfigFile;
  readonly line: ConfigLine;
  readonly place: Place;
}

async function include(state: Evaluation, { file, line, place }: Including): Promise<void> {
  refuseAmbiguous(line);
  for (const pattern of line.words) {
    const included = await state.files.included(pattern, file, line.place);
    for (const one of included) await applyFile(state, one, place);
  }
}

function matchesHost(line: ConfigLine, host: string): boolean {
  refuseAmbiguous(line);
  const negated = line.words.filter((word) => word.startsWith('!')).map((word) => word.slice(1));
  if (negated.some((pattern) => matchesPattern(pattern, host))) return false;
  return line.words.some((word) => !word.startsWith('!') && matchesPattern(word, host));
}

function applyLine({ values }: Evaluation, line: ConfigLine): void {
  const option = optionName(line.keyword);
  const use = useOf(option);
  if (use === 'ignored') return;
  if (use === 'unknown') {
    const tolerated = values.get('ignoreunknown')?.[0]?.words.join(',') ?? '';
    if (matchesList(tolerated.toLowerCase(), line.keyword)) return;
    throw new HostError(
      'unsupported',
      `${line.place}: the option ${line.keyword} is not known. IgnoreUnknown ${line.keyword}, before it, leaves it out.`,
    );
  }
  const before = values.get(option) ?? [];
  const isTaken =
    before.length > 0 || (PROXIES.has(option) && [...PROXIES].some((proxy) => values.has(proxy)));
  if (isTaken && !REPEATABLE.has(option)) return;
  if (use === 'used') {
    refuseAmbiguous(line);
    if (line.words.length > 1 && !LISTS.has(option))
      throw malformed(line.place, `${line.keyword} has more than one value`);
  }
  values.set(option, [...before, line]);
}

function refuseAmbiguous(line: ConfigLine): void {
  if (!line.isAmbiguous) return;
  throw new HostError(
    'unsupported',
    `${line.place}: OpenSSH may understand ${line.keyword} otherwise than it is understood here. Write each value with spaces or # whole into double quotes, and no backslashes or single quotes.`,
  );
}

/** Whether all criteria of a `Match` line hold. */
function matchesCriteria(state: Evaluation, line: ConfigLine, isIdle: boolean): boolean {
  let holds = !isIdle;
  const words = [...line.words];
  if (words.length === 0) throw malformed(line.place, 'Match has no criteria');
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const isNegated = word.startsWith('!');
    const criterion = (isNegated ? word.slice(1) : word).toLowerCase();
    const result = resultOf(state, { criterion, holds, line, next: () => words.shift() });
    holds &&= result !== isNegated;
  }
  return holds;
}

interface Criterion {
  readonly criterion: string;
  /** Whether those before it hold: otherwise it decides nothing. */
  readonly holds: boolean;
  readonly line: ConfigLine;
  next(): string | undefined;
}

function resultOf(state: Evaluation, { criterion, holds, line, next }: Criterion): boolean {
  const { query } = state;
  switch (criterion) {
    case 'all':
      return true;
    case 'final':
      state.wantsFinalPass = true;
      return state.isFinalPass;
    case 'canonical':
      return state.isFinalPass;
  }
  const argument = next();
  if (argument === undefined) throw malformed(line.place, `Match ${criterion} has no value`);
  switch (criterion) {
    case 'host':
      return matchesList(argument.toLowerCase(), hostName(state).toLowerCase());
    case 'originalhost':
      return matchesList(argument.toLowerCase(), query.alias.toLowerCase());
    case 'user':
      return matchesList(argument, query.user ?? state.values.get('user')?.[0]?.words[0] ?? query.localUser);
    case 'localuser':
      return matchesList(argument, query.localUser);
  }
  if (!holds) return false;
  const reason = criterion === 'exec' ? 'would run a command, which is not done here' : 'is not supported';
  throw new HostError(
    'unsupported',
    `${line.place}: Match ${criterion} ${reason}. Name the hosts instead (Match host, Host).`,
  );
}

/** As far as it is known at a line: what stood before it. */
function hostName({ query, values }: Evaluation): string {
  const name = values.get('hostname')?.[0]?.words[0] ?? query.alias;
  return name.replace(/%[h%]/g, (token) => (token === '%h' ? query.alias : '%'));
}

/** Patterns with commas in between; one that begins with `!` excludes. */
function matchesList(list: string, text: string): boolean {
  const patterns = list.split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), text)))
    return false;
  return patterns.some((pattern) => matchesPattern(pattern, text));
}

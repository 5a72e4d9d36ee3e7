/** About a second's work, for all paths together: what an agent has written is not to keep the program busy for longer. */
const MAX_STEPS = 100_000_000;

/**
 * Whether a path is named by globs that an agent has written: `*` and `?` in a name, `**` for any number of folders. One without a slash is a name at any
 * depth, one with a slash the path from the folder, `./` in front or not. A regular expression would take exponential time for some; here what takes too long names nothing more.
 */
export function createAgentGlobs(
  globs: readonly string[],
  { maxSteps = MAX_STEPS }: { readonly maxSteps?: number } = {},
): (path: string) => boolean {
  let steps = 0;
  const spend = (): boolean => {
    steps += 1;
    return steps <= maxSteps;
  };
  const isLiteral = (glob: string): boolean => !/[*?]/.test(glob);
  const literalPaths = new Set(globs.filter((glob) => isLiteral(glob) && glob.includes('/')).map(trimmed));
  const literalNames = new Set(globs.filter((glob) => isLiteral(glob) && !glob.includes('/')));
  const names = globs.filter((glob) => !isLiteral(glob) && !glob.includes('/'));
  const paths = globs
    .filter((glob) => !isLiteral(glob) && glob.includes('/'))
    .map((glob) => trimmed(glob).split('/'));

  const isChar = (wanted: string, found: string): boolean => wanted === '?' || wanted === found;
  const isName = (glob: ArrayLike<string>, name: ArrayLike<string>): boolean =>
    matches(glob, name, { many: '*', isAlike: isChar, spend });
  const isSegment = (glob: string, name: string): boolean => isName(glob, name);

  return (path) => {
    const segments = path.split('/');
    const name = segments.at(-1) ?? '';
    if (literalNames.has(name) || literalPaths.has(path)) return true;
    if (steps >= maxSteps) return false;
    return (
      names.some((glob) => isName(glob, name)) ||
      paths.some((glob) => matches(glob, segments, { many: '**', isAlike: isSegment, spend }))
    );
  };
}

function trimmed(glob: string): string {
  return glob.replace(/^\.?\//, '').replace(/\/$/, '');
}

/** Whether a row of things is what a pattern says, in which `many` stands for any number of them: only the last one met is ever tried again, which is enough. */
function matches(
  pattern: ArrayLike<string>,
  found: ArrayLike<string>,
  {
    many,
    isAlike,
    spend,
  }: {
    readonly many: string;
    readonly isAlike: (wanted: string, found: string) => boolean;
    readonly spend: () => boolean;
  },
): boolean {
  let at = 0;
  let next = 0;
  let retry: { readonly next: number; at: number } | undefined;
  while (at < found.length) {
    if (!spend()) return false;
    const wanted = pattern[next];
    const thing = found[at];
    if (wanted === many) {
      next += 1;
      retry = { next, at };
    } else if (wanted !== undefined && thing !== undefined && isAlike(wanted, thing)) {
      next += 1;
      at += 1;
    } else if (retry !== undefined) {
      retry.at += 1;
      at = retry.at;
      next = retry.next;
    } else return false;
  }
  while (pattern[next] === many) next += 1;
  return next === pattern.length;
}

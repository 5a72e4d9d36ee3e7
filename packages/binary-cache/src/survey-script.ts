import { type FileKind, type FileStat, type HostPath, hostPath } from '@seedbed/host';
import { filesName, manifestMaxBytes, manifestName } from './tree-manifest.ts';

/**
 * Arguments: the cache's folder and the names of entries. It goes by the first of them that is there. Nothing that it says can be mistaken: a file whose name holds a
 * line break is told as such, and the manifest comes last. A link or a pipe in the place of a mark or a manifest is not opened.
 */
export const surveyScript: string = `umask 022
cd "$1" 2>/dev/null || { echo none; exit 0; }
shift
facts='%f %s %d:%i %u %Y %y %Z %z %n'
printf 'root '
pwd -P
stat -c "$facts" . entries trees incoming 2>/dev/null
tree=
for entry in "$@"; do
  if [ -L "entries/$entry" ]; then
    target=$(readlink "entries/$entry")
    printf 'link %s\\n' "$target"
    case $target in ../trees/*) tree=\${target#../trees/} ;; esac
    break
  fi
  if [ -e "entries/$entry" ]; then echo other; break; fi
  echo absent
done
case $tree in ''|*/*|.*) exit 0 ;; esac
printf 'tree %s\\n' "$tree"
[ -d "trees/$tree" ] || exit 0
mark=used/$tree
if [ ! -L "$mark" ]; then
  if [ -f "$mark" ] || [ ! -e "$mark" ]; then true 2>/dev/null >"$mark"; fi
fi
manifest=trees/$tree/${manifestName}
stat -c "$facts" "trees/$tree" "$manifest" 2>/dev/null
find "trees/$tree/${filesName}" -name '*
*' -exec echo odd \\; -o -exec stat -c "$facts" {} + 2>/dev/null
if [ -f "$manifest" ] && [ ! -L "$manifest" ]; then
  echo manifest
  head -c ${manifestMaxBytes + 1} "$manifest" 2>/dev/null
fi
exit 0
`;

/** What the script told. */
export interface SeenCache {
  /** Canonical. */
  readonly root: HostPath;
  /** By path relative to the root, that of the root is empty. */
  readonly facts: ReadonlyMap<string, FileStat>;
  /** How many of the entries that were asked for are not there, before the first that is. */
  readonly absent: number;
  /** What the link of that one says. */
  readonly target: string | undefined;
  readonly tree: { readonly name: string; readonly manifest: string | undefined } | undefined;
}

const factLine =
  /^([0-9a-f]+) (\d+) (\d+:\d+) (\d+) (-?\d+) [-\d]+ \d\d:\d\d:\d\d(?:\.(\d{1,9}))? [-+]\d{4} (\d+) [-\d]+ \d\d:\d\d:\d\d(?:\.(\d{1,9}))? [-+]\d{4} (.+)$/;

/** `undefined` when there is no cache, and for whatever the script cannot have said of one that this package made. */
export function parseSurvey(text: string): SeenCache | undefined {
  const facts = new Map<string, FileStat>();
  let root: HostPath | undefined;
  let absent = 0;
  let target: string | undefined;
  let tree: string | undefined;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    if (end < 0) return undefined;
    const line = text.slice(at, end);
    at = end + 1;
    if (root === undefined) {
      root = rootOf(line);
      if (root === undefined) return undefined;
    } else if (line === 'manifest' && tree !== undefined) {
      return { root, facts, absent, target, tree: { name: tree, manifest: text.slice(at) } };
    } else if (line === 'absent') {
      absent += 1;
    } else if (line.startsWith('link ') && target === undefined) {
      target = line.slice('link '.length);
    } else if (line.startsWith('tree ') && tree === undefined) {
      tree = line.slice('tree '.length);
    } else if (line !== 'other') {
      const found = parseFacts(line);
      if (found === undefined || facts.has(found.path)) return undefined;
      facts.set(found.path, found.stat);
    }
  }
  if (root === undefined) return undefined;
  return {
    root,
    facts,
    absent,
    target,
    tree: tree === undefined ? undefined : { name: tree, manifest: undefined },
  };
}

/** A name that is not UTF-8 cannot be told here, one with a line break is cut off. */
function rootOf(line: string): HostPath | undefined {
  const path = line.startsWith('root /') ? line.slice('root '.length) : '';
  return path === '' || path.includes('\u{fffd}') ? undefined : hostPath(path);
}

function parseFacts(line: string): { readonly path: string; readonly stat: FileStat } | undefined {
  const [
    ,
    rawMode = '',
    size,
    identity = '',
    uid,
    modified,
    modifiedFraction,
    changed,
    changedFraction,
    name,
  ] = factLine.exec(line) ?? [];
  if (name === undefined) return undefined;
  const mode = Number.parseInt(rawMode, 16);
  const stat: FileStat = {
    kind: kindOf(mode),
    size: Number(size),
    mode: mode & 0o7777,
    modifiedMs: milliseconds(modified, modifiedFraction),
    changedMs: milliseconds(changed, changedFraction),
    identity,
    uid: Number(uid),
  };
  return { path: name === '.' ? '' : name, stat };
}

function milliseconds(seconds: string | undefined, fraction = ''): number {
  return Number(seconds) * 1_000 + Number(fraction.padEnd(9, '0')) / 1e6;
}

/** By the type bits of a mode: see inode(7). */
function kindOf(mode: number): FileKind {
  switch (mode & 0o170000) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    default:
      return 'other';
  }
}

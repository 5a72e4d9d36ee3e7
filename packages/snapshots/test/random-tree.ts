import fc from 'fast-check';
import { CHUNK_BYTES } from '../src/manifest/manifest.ts';
import type { Node } from './disk-tree.ts';

const modes = fc.constantFrom(0o600, 0o644, 0o755, 0o400, 0o640, 0o700);
const folderModes = fc.constantFrom(0o700, 0o755, 0o750);
/** Seconds, with a fraction that any host can keep. */
const times = fc.integer({ min: 0, max: 2_000_000_000_000 }).map((ms) => ms / 1000);

const names = fc
  .oneof(
    fc.string({
      minLength: 1,
      maxLength: 12,
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    }),
    fc.constantFrom(
      '-rf',
      '$(id)',
      'a b',
      "it's",
      '"',
      'line\nbreak',
      '\\',
      '*',
      'x'.repeat(200),
      '~',
      '.hidden',
    ),
  )
  .filter((name) => !name.includes('/') && name !== '.' && name !== '..');

const contents = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 3 }).map((n) => new Uint8Array(CHUNK_BYTES + n - 1).fill(n)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 250 }).map((n) => pattern(2 * CHUNK_BYTES + n, n)) },
);

/** Bytes that don't repeat, so that no two chunks are alike. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const leaf: fc.Arbitrary<Node> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('file' as const), content: contents, mode: modes, time: times }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('symlink' as const),
      target: fc.constantFrom('..', '/etc/passwd', 'nowhere', '.', 'a b', '../../..', 'loop'),
      time: times,
    }),
  },
  { weight: 1, arbitrary: fc.constant<Node>({ kind: 'twin' }) },
);

function folder(depth: number): fc.Arbitrary<Node> {
  const child =
    depth === 0
      ? leaf
      : fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: folder(depth - 1) });
  return fc.record({
    kind: fc.constant('directory' as const),
    mode: folderModes,
    time: times,
    children: fc.array(fc.tuple(names, child), { maxLength: 6 }).map((pairs) => new Map(pairs)),
  });
}

export const trees: fc.Arbitrary<Node> = folder(4);

import fc from 'fast-check';
import type { EntrySetting, SandboxPolicySettings } from '../src/policy-settings.ts';

/** Names as tasks have them, and as an attacker would choose them. */
const segment: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'data',
    'a b',
    'é',
    '-x',
    "o'k",
    'q"t',
    'a=b',
    'a.b',
    'back\\slash',
    '#',
    '$HOME',
    '\n',
    '\u007f',
    "'''",
    '{x}',
    '🦆',
  ),
  fc
    .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
    .filter((text) => !/[*?[\]/\0]|^\.{1,2}$|\p{Surrogate}/u.test(text)),
);

const below: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));

/** Entries on different places, so that no two of them contradict each other. */
const entries: fc.Arbitrary<EntrySetting[]> = fc
  .uniqueArray(
    fc.oneof(
      below.map((path) => `/srv/${path}`),
      below.map((path) => `~/grants/${path}`),
    ),
    { maxLength: 4 },
  )
  .chain((paths) =>
    fc.tuple(
      ...paths.map((path) =>
        fc.constantFrom('read', 'write', 'deny').map((access) => ({ access, path }) as const),
      ),
    ),
  );

const names: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom('PATH', 'home', 'LC_*', 'A?', 'CI'), {
  maxLength: 3,
});

const environment: fc.Arbitrary<NonNullable<SandboxPolicySettings['environment']>> = fc.oneof(
  fc.record({
    inherit: fc.constantFrom('core', 'all'),
    exclude: fc.constantFrom([], ['*KEY*'], ['x_*', '*TOKEN*']),
    includeOnly: names,
    set: fc.dictionary(
      fc.constantFrom('A', 'B_2', 'EMPTY'),
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    ),
  }),
  fc.constant({ inherit: 'none', set: { ONLY: 'this' } } as const),
);

const projectConfig = fc.constantFrom('ignored', 'trusted');

const confined: fc.Arbitrary<SandboxPolicySettings> = fc.record({
  profile: entries.chain((some) =>
    fc.record({
      kind: fc.constant('managed' as const),
      entries: fc.constantFrom(
        [
          ...some,
          { access: 'read', symbol: ':root' } as const,
          { access: 'write', symbol: ':workdir' } as const,
        ],
        [...some, { access: 'read', symbol: ':root' } as const],
        [
          ...some,
          { access: 'write', symbol: ':workdir' } as const,
          { access: 'deny', glob: '**/*.env' } as const,
        ],
      ),
      network: fc.boolean(),
    }),
  ),
  approvals: fc.constantFrom('deny-all', 'auto-review', 'on-request', 'untrusted'),
  hideSecrets: fc.boolean(),
  environment,
  projectConfig,
});

const unconfined: fc.Arbitrary<SandboxPolicySettings> = fc.oneof(
  fc.record({
    mode: fc.constantFrom('danger-full-access', 'external'),
    approvals: fc.constant('untrusted'),
    environment,
    projectConfig,
  }),
  fc.record({
    mode: fc.constant('external'),
    approvals: fc.constantFrom('deny-all', 'auto-review'),
    environment,
  }),
  fc.record({ approvals: fc.constant('dangerously-bypass-approvals-and-sandbox'), environment }),
);

/** Settings that `parseSandboxPolicy` takes; a host can still refuse them, when one entry turns out to lie in another. */
export const policySettings: fc.Arbitrary<SandboxPolicySettings> = fc.oneof(
  { weight: 3, arbitrary: confined },
  { weight: 1, arbitrary: unconfined },
);

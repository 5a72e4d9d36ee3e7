import fc from 'fast-check';
import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { type ConfigValue, tomlLiteral } from './toml-literal.ts';

const text = fc.string({ unit: 'grapheme' });
const { value } = fc.letrec<{ value: ConfigValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

test('whatever is written is read back by a TOML parser, and nothing else', () => {
  fc.assert(
    fc.property(value, (wanted) => {
      const read = parse(`key=${tomlLiteral(wanted)}`);
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify({ key: wanted })));
    }),
  );
});

test('a literal is one line', () => {
  fc.assert(fc.property(value, (wanted) => !/[\n\r]/.test(tomlLiteral(wanted))));
});

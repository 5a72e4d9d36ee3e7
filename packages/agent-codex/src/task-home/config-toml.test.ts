import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeConfig, readConfigToml, writeConfigToml } from './config-toml.ts';

describe('config.toml', () => {
  it('is merged table by table, the later layer wins', () => {
    const merged = mergeConfig(
      { model: 'a', features: { plugins: true, apps: true } },
      { features: { plugins: false }, projects: { '/w': { trust_level: 'trusted' } } },
    );
    expect(readConfigToml(writeConfigToml(merged))).toEqual({
      model: 'a',
      features: { plugins: false, apps: true },
      projects: { '/w': { trust_level: 'trusted' } },
    });
  });

  it('survives a round trip with keys that are paths, quotes and line breaks', () => {
    const table = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.array(fc.string())),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), table), (config) => {
        expect(readConfigToml(writeConfigToml(mergeConfig(config)))).toEqual({ ...mergeConfig(config) });
      }),
    );
  });

  it('takes a member away where a layer says null', () => {
    expect(mergeConfig({ a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } })).toEqual({ b: { d: 2 } });
  });

  it('cannot be used to reach the prototype', () => {
    mergeConfig(
      {},
      JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it.each([
    ['a null in a list', { a: [null] }],
    ['a function', { a: () => 1 }],
  ])('refuses %s, which TOML has no form for', (_, config) => {
    expect(() => writeConfigToml(config)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });

  it('says where a text is not TOML', () => {
    expect(() => readConfigToml('model = ')).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    expect(() => readConfigToml('a = 1\nb = [')).toThrow(/line|2:/i);
  });
});

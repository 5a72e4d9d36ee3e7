import { expect, test } from 'vitest';
import { whyWithheld } from './open-address.ts';

const address = 'https://registry.example/tool/-/tool-1.0.0.tgz';

test.each<[string, string, Record<string, unknown>]>([
  ['nothing is configured', address, {}],
  ['there are credentials for another server', address, { '//other.example/:_authToken': 'x' }],
  ['a name begins alike', address, { '//registry.example.com/:_authToken': 'x' }],
  ['a setting is empty', address, { '//registry.example/:_authToken': '' }],
  ['settings hold no credentials', address, { '//registry.example/:email': 'me', registry: address }],
])('an address is given to a host where %s', (_what, url, settings) => {
  expect(whyWithheld(url, settings)).toBeUndefined();
});

test.each<[string, string, Record<string, unknown>]>([
  ['there is a token for the server', address, { '//registry.example/:_authToken': 'x' }],
  ['a token is written without the slash', address, { '//registry.example:_authToken': 'x' }],
  ['there is one for another of its folders', address, { '//registry.example/private/:_auth': 'x' }],
  ['there is a password', address, { '//registry.example/:_password': 'x' }],
  ['there is a certificate', address, { '//registry.example/:certfile': 'x' }],
  ['a certificate is for all servers', address, { cert: 'x' }],
  ['the address holds a user', 'https://me@registry.example/tool.tgz', {}],
  ['the address holds a query, which may be a signature', 'https://registry.example/tool.tgz?sig=x', {}],
  ['the address is a file', 'file:///tool.tgz', {}],
  ['the address is none', 'tool.tgz', {}],
])('an address is withheld where %s', (_what, url, settings) => {
  expect(whyWithheld(url, settings)).toEqual(expect.any(String));
});

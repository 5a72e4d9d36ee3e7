import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { namedServers, splitUris } from './named-servers.ts';
import { openMongodbServers } from './open-servers.ts';

const uri = fc
  .tuple(
    fc.constantFrom('mongodb', 'mongodb+srv'),
    fc.array(fc.stringMatching(/^[a-z]{1,8}:[1-9]\d{1,3}$/), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '/name', '/?tls=true&readPreferenceTags=dc:a,rack:1'),
  )
  .map(([scheme, hosts, rest]) => `${scheme}://${hosts.join(',')}${rest}`);

test('addresses are told apart by white space and commas, and keep the commas that are their own', () => {
  const separator = fc.constantFrom(' ', '\n', ',', ', ', ' , ', '\t\t');
  fc.assert(
    fc.property(fc.array(uri), separator, fc.constantFrom('', ' ', ',', '\n'), (uris, between, end) => {
      expect(splitUris(`${uris.join(between)}${end}`)).toEqual(uris);
    }),
  );
});

test('a server that was named is the one that is used, and is named with its version and place', async (context) => {
  const [server] = inject('mongodbUris');
  if (server === undefined) return context.skip(inject('mongodbAbsence'));
  await using opened = await openMongodbServers({ MONGODB_TEST_URI: ` ${server.uri}\n` });
  expect(opened.servers).toEqual([
    { uri: server.uri, name: expect.stringMatching(/^MongoDB \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+$/) },
  ]);
});

test('a named server that does not answer is an error that keeps the password to itself', async () => {
  const failure = await namedServers(['mongodb://me:hunter2@127.0.0.1:1'], { answerMs: 50 }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ name: 'NoMongodbServer' });
  expect(String(failure)).toContain('no answer from 127.0.0.1:1');
  expect(String(failure)).not.toContain('hunter2');
  await expect(namedServers(['http://nobody'])).rejects.toMatchObject({ name: 'NoMongodbServer' });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTokenAnswer } from './token-answer.ts';

const sent = { id_token: 'i', access_token: 'a', refresh_token: 'rt', account_id: 'acc' };

const word = fc.constantFrom(
  'invalid_grant',
  'refresh_token_reused',
  'access_denied',
  'server_error',
  'rt_of_somebody',
);

/** Answers that look like those of a token endpoint, more or less. */
const body = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        error: fc.oneof(word, fc.record({ code: fc.option(word), message: word })),
        error_description: fc.oneof(word, fc.integer()),
        access_token: fc.oneof(fc.string(), fc.constant(null)),
        refresh_token: fc.oneof(fc.string(), fc.constant(null), fc.integer()),
        id_token: fc.oneof(fc.string(), fc.constant(null)),
      },
      { requiredKeys: [] },
    )
    .map((content) => JSON.stringify(content)),
);

const contentType = fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/html', '');

it('ends a login only by the words of a provider, and takes only what has an access token, whatever is answered', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), contentType, body, (status, type, text) => {
      const headers = new Headers(type === '' ? {} : { 'content-type': type });
      const read = readTokenAnswer({ status, headers, body: text }, sent);
      if (read.outcome === 'granted') {
        expect(status).toBe(200);
        expect(read.tokens.access_token).not.toBe('');
        for (const token of Object.values(read.tokens)) expect(token).toEqual(expect.any(String));
      }
      if (read.outcome === 'invalid-grant') {
        expect(status >= 400 && status < 500).toBe(true);
        expect(type).toMatch(/^application\/json/);
        expect(text).toMatch(/invalid_grant|refresh_token_reused/);
      }
      // What is said of an answer is never what was in it.
      if (read.outcome === 'unknown') expect(read.why).not.toContain('rt_of_somebody');
    }),
    { numRuns: 1000 },
  );
});

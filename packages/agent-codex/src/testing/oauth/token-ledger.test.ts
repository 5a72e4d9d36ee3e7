import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTokenLedger } from './token-ledger.ts';

test('a login has one live token as long as nobody shows an old one, and none afterwards', () => {
  const choice = fc.record({ login: fc.nat(2), age: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(choice, { maxLength: 30 }), (choices) => {
      const ledger = createTokenLedger({
        issuer: 'i',
        clientId: 'c',
        onReuse: 'revoke-family',
        now: () => 0,
      });
      const logins = [0, 1, 2].map(() => ({
        given: [ledger.logIn({ id: 'a' }).refresh_token],
        isOver: false,
      }));
      for (const { age, login: which } of choices) {
        const login = logins[which];
        if (login === undefined) continue;
        const token = login.given.at(-1 - (age % login.given.length)) ?? '';
        const isLast = token === login.given.at(-1);
        const result = ledger.refresh(token, 'somebody');
        expect('tokens' in result).toBe(isLast && !login.isOver);
        if ('tokens' in result) login.given.push(result.tokens.refresh_token);
        else if (!isLast) login.isOver = true;
      }
      for (const [family, { isOver }] of logins.entries()) {
        const own = ledger.records().filter((record) => record.family === family);
        expect(own.filter(({ state }) => state === 'live')).toHaveLength(isOver ? 0 : 1);
      }
    }),
  );
});

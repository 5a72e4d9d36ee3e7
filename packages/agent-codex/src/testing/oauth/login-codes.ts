import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { OAuthAccount } from './oauth-account.ts';
import { RotatingOAuthError } from './rotating-oauth-error.ts';

/** A device that waits until somebody types its code. */
interface Device {
  readonly id: string;
  readonly userCode: string;
  account: OAuthAccount | undefined;
}

/** What was agreed before tokens are given: device codes, and authorisation codes with their challenges. Each works once. */
export interface LoginCodes {
  openDevice(): { readonly id: string; readonly userCode: string };
  /** Those that nobody has approved. */
  waiting(): readonly string[];
  approve(userCode: string, account: OAuthAccount): void;
  /** Who approved it; undefined while nobody has. */
  takeApproval(id: string, userCode: string): OAuthAccount | undefined;
  /** A code for the account, bound to the challenge of whoever will exchange it. */
  authorize(account: OAuthAccount, challenge: string | undefined): string;
  redeem(code: string, verifier: string | undefined): OAuthAccount | undefined;
}

export function createLoginCodes(): LoginCodes {
  const devices = new Map<string, Device>();
  const authorized = new Map<
    string,
    { readonly account: OAuthAccount; readonly challenge: string | undefined }
  >();
  const waiting = (): readonly string[] =>
    [...devices.values()].flatMap(({ account, userCode }) => (account === undefined ? [userCode] : []));
  return {
    openDevice() {
      const device = { id: randomBytes(12).toString('hex'), userCode: newUserCode(), account: undefined };
      devices.set(device.id, device);
      return device;
    },
    waiting,
    approve(userCode, account) {
      const device = [...devices.values()].find((each) => each.userCode === userCode);
      if (device === undefined) {
        const known = waiting().join(', ') || 'none';
        throw new RotatingOAuthError(
          'no-such-device',
          `No device waits with the code ${JSON.stringify(userCode)}. There wait: ${known}.`,
        );
      }
      device.account = account;
    },
    takeApproval(id, userCode) {
      const device = devices.get(id);
      if (device?.userCode !== userCode || device.account === undefined) return undefined;
      devices.delete(id);
      return device.account;
    },
    authorize(account, challenge) {
      const code = `ac_${randomBytes(18).toString('base64url')}`;
      authorized.set(code, { account, challenge });
      return code;
    },
    redeem(code, verifier) {
      const found = authorized.get(code);
      authorized.delete(code);
      if (found?.challenge !== undefined && challengeOf(verifier ?? '') !== found.challenge) return undefined;
      return found?.account;
    },
  };
}

/** RFC 7636, method S256. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

function newUserCode(): string {
  const letters = 'BCDFGHJKLMNPQRSTVWXZ';
  const word = (): string => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return `${word()}-${word()}`;
}

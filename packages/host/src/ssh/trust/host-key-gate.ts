import { HostError } from '../../host-error.ts';
import { isTooShort } from '../connection/algorithms.ts';
import type { ConnectAttempt } from '../connection/connect-attempt.ts';
import { said } from '../connection/connection-failure.ts';
import type { OfferedAlgorithms } from '../connection/offered-algorithms.ts';
import type { HostKeyCheck, HostKeyTrustee } from './host-key.ts';

/** What stands between the exchange of keys and the login. */
export interface HostKeyGate {
  /** ssh2's `hostVerifier`. */
  verify(key: Buffer, decide: (permitted: boolean) => void): void;
  /** Whether the login may begin: the host has proved that it has its key, and a new key is recorded. */
  passed(): Promise<boolean>;
}

export interface HostKeyGateFacts {
  readonly label: string;
  readonly attempt: ConnectAttempt;
  readonly trustee: HostKeyTrustee;
  readonly check: HostKeyCheck;
  readonly algorithms: OfferedAlgorithms;
  readonly refuse: (failure: HostError) => void;
}

export function openHostKeyGate({
  label,
  attempt,
  trustee,
  check,
  algorithms,
  refuse,
}: HostKeyGateFacts): HostKeyGate {
  let shown: Buffer | undefined;
  let isNew = false;
  let passing: Promise<boolean> | undefined;

  const refuseFor = (failure: unknown): void => {
    if (failure instanceof HostError) refuse(failure);
    else
      refuse(
        new HostError('io', `The key of ${label} could not be judged: ${said(failure)}.`, { cause: failure }),
      );
  };
  const verdictOf = async (key: Buffer): Promise<HostError | undefined> => {
    attempt.at(`waiting for somebody to accept the key of ${label}`);
    return await attempt.asking(() => trustee.decide(key, attempt.signal));
  };
  const record = async (key: Buffer): Promise<boolean> => {
    const refusal = await trustee.record(key, attempt.signal);
    if (refusal !== undefined) refuse(refusal);
    return refusal === undefined;
  };

  return {
    verify(packet, decide) {
      const key = Buffer.from(packet);
      const settle = (refusal: HostError | undefined): void => {
        if (refusal === undefined) shown = key;
        else refuse(refusal);
        decide(refusal === undefined);
      };
      if (shown !== undefined) {
        // Keys are exchanged anew now and then: by the same host.
        settle(shown.equals(key) ? undefined : exchanged(label));
        return;
      }
      if (isTooShort(algorithms, key)) {
        settle(tooShort(label, algorithms));
        return;
      }
      const verdict = check.judge(key);
      if (verdict !== 'new') {
        settle(verdict);
        return;
      }
      isNew = true;
      verdictOf(key).then(settle).catch(refuseFor);
    },
    passed() {
      passing ??= (isNew && shown !== undefined ? record(shown) : Promise.resolve(true)).catch((failure) => {
        refuseFor(failure);
        return false;
      });
      return passing;
    },
  };
}

function tooShort(label: string, { minRsaBits }: OfferedAlgorithms): HostError {
  return new HostError(
    'unsupported',
    `Did not connect to ${label}: its RSA key has fewer than ${minRsaBits} bits.`,
  );
}

function exchanged(label: string): HostError {
  return new HostError('host-key-changed', `THE KEY OF ${label} HAS CHANGED in the midst of the connection.`);
}

import type { TurnFailure, TurnFailureCode } from '@seedbed/conversation-protocol';
import { z } from 'zod';

const named: Readonly<Record<string, TurnFailureCode>> = {
  contextWindowExceeded: 'context-window',
  sessionBudgetExceeded: 'budget',
  usageLimitExceeded: 'usage-limit',
  rateLimitExceeded: 'rate-limit',
  flexUnavailable: 'overloaded',
  serverOverloaded: 'overloaded',
  modelNotFound: 'model-not-found',
  policyCapacityUnavailable: 'overloaded',
  inferenceHookDenied: 'policy',
  cyberPolicy: 'policy',
  misalignmentPolicyViolation: 'policy',
  tooManyDenials: 'policy',
  internalServerError: 'internal',
  unauthorized: 'unauthorized',
  badRequest: 'bad-request',
  sandboxError: 'sandbox',
  httpConnectionFailed: 'connection',
  responseStreamConnectionFailed: 'connection',
  responseStreamDisconnected: 'stream-cut',
  responseTooManyFailedAttempts: 'too-many-retries',
};

const turnErrorSchema = z.looseObject({
  message: z.string(),
  codexErrorInfo: z.unknown().optional(),
  additionalDetails: z.string().nullish(),
});

/** What Codex says of a failed turn (`TurnError` of its schema), in this project's words. A name that is not known becomes `other`. */
export function mapTurnError(error: unknown): TurnFailure {
  const parsed = turnErrorSchema.safeParse(error);
  if (!parsed.success) return { code: 'other', message: 'Codex reported a failed turn without saying why.' };
  const { message, codexErrorInfo, additionalDetails } = parsed.data;
  const { name, httpStatus } = readInfo(codexErrorInfo);
  return {
    code: codeOf(name, httpStatus),
    message: additionalDetails ? `${message} (${additionalDetails})` : message,
    ...(httpStatus === undefined ? {} : { httpStatus }),
  };
}

function codeOf(name: string | undefined, httpStatus: number | undefined): TurnFailureCode {
  if (httpStatus === 401 || httpStatus === 403) return 'unauthorized';
  if (httpStatus === 429) return 'rate-limit';
  return (name !== undefined && Object.hasOwn(named, name) ? named[name] : undefined) ?? 'other';
}

/** The info is a name, or an object with the name as its only member: `{"httpConnectionFailed": {"httpStatusCode": 500}}`. */
function readInfo(info: unknown): { name?: string; httpStatus?: number } {
  if (typeof info === 'string') return { name: info };
  if (typeof info !== 'object' || info === null) return {};
  const [entry] = Object.entries(info);
  if (entry === undefined) return {};
  const [name, detail] = entry;
  const status = z.looseObject({ httpStatusCode: z.number() }).safeParse(detail);
  return status.success ? { name, httpStatus: status.data.httpStatusCode } : { name };
}

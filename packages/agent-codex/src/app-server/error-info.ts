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
  const info = readInfo(codexErrorInfo);
  const httpStatus = info.httpStatus ?? statusInWords(message);
  return {
    code: codeOf(info.name, httpStatus, message),
    message: additionalDetails ? `${message} (${additionalDetails})` : message,
    ...(httpStatus === undefined ? {} : { httpStatus }),
  };
}

/** Some failures have no more of a name than "other", in either version; then the words tell. */
function statusInWords(message: string): number | undefined {
  const match = /\bstatus:? (\d{3})\b/.exec(message);
  return match === null ? undefined : Number(match[1]);
}

/** These say how the failure reached Codex; the status says what it is. */
const carriers: ReadonlySet<TurnFailureCode> = new Set(['connection', 'stream-cut', 'too-many-retries']);

function codeOf(name: string | undefined, httpStatus: number | undefined, message: string): TurnFailureCode {
  const known = name !== undefined && Object.hasOwn(named, name) ? named[name] : undefined;
  if (known !== undefined && !carriers.has(known)) return known;
  if (httpStatus === 401 || httpStatus === 403) return 'unauthorized';
  if (httpStatus === 429) return 'rate-limit';
  return known ?? (message.startsWith('stream disconnected') ? 'stream-cut' : 'other');
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

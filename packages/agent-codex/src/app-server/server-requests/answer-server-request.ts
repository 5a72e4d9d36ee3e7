import { chatgptTokens } from './chatgpt-tokens.ts';
import { commandApproval } from './command-approval.ts';
import { currentTime } from './current-time.ts';
import { dynamicTool } from './dynamic-tool.ts';
import { elicitation } from './elicitation.ts';
import { fileChangeApproval } from './file-change-approval.ts';
import { legacyCommandApproval, legacyPatchApproval } from './legacy-approvals.ts';
import { permissionsApproval } from './permissions-approval.ts';
import { RefusedServerRequest, type ServerRequestDesk, type ServerRequestHandler } from './server-request.ts';
import { userQuestions } from './user-questions.ts';

const handlers: ReadonlyMap<string, ServerRequestHandler> = new Map(
  [
    commandApproval,
    fileChangeApproval,
    permissionsApproval,
    userQuestions,
    elicitation,
    dynamicTool,
    currentTime,
    chatgptTokens,
    legacyCommandApproval,
    legacyPatchApproval,
  ].map((handler) => [handler.method, handler]),
);

/** Requests that are understood and refused: this client holds no such secret, and Codex must go on without. */
const refused: ReadonlyMap<string, string> = new Map([
  ['attestation/generate', 'This client does not attest.'],
]);

/** Every request that has an answer of its own; any other is answered with "method not found". */
export const answeredServerRequests: readonly string[] = [...handlers.keys(), ...refused.keys()];

/**
 * Answers a request of Codex's app-server.
 * @throws {RefusedServerRequest} for what must be answered with a JSON-RPC error.
 */
export function answerServerRequest(
  method: string,
  params: unknown,
  desk: ServerRequestDesk,
): Promise<unknown> {
  const handler = handlers.get(method);
  if (handler !== undefined) return handler.answer(params, desk);
  const why = refused.get(method);
  throw why === undefined
    ? new RefusedServerRequest(-32601, `This client does not know ${JSON.stringify(method.slice(0, 100))}.`)
    : new RefusedServerRequest(-32601, why);
}

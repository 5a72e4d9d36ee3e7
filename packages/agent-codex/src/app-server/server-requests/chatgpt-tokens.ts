import { z } from 'zod';
import { invalidParams, RefusedServerRequest, type ServerRequestHandler } from './server-request.ts';

const method = 'account/chatgptAuthTokens/refresh';

const paramsSchema = z.looseObject({ previousAccountId: z.string().nullish() });

/** Asked after a 401, once, of clients that lend Codex access tokens. Without an answer Codex fails the turn and keeps its thread. */
export const chatgptTokens: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) throw invalidParams(method);
    if (desk.freshTokens === undefined)
      throw new RefusedServerRequest(-32601, 'This client keeps no ChatGPT tokens; Codex refreshes its own.');
    const previousAccount = parsed.data.previousAccountId ?? undefined;
    const tokens = await desk.freshTokens(previousAccount);
    if (tokens === undefined)
      throw new RefusedServerRequest(-32603, 'No fresh access token is to be had now. Try again later.');
    if (previousAccount !== undefined && tokens.account !== previousAccount)
      throw new RefusedServerRequest(-32603, 'The login that is kept belongs to another account.');
    const { accessToken, account, plan } = tokens;
    return { accessToken, chatgptAccountId: account, chatgptPlanType: plan ?? null };
  },
};

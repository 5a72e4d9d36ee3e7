import type { OAuthAccount } from './oauth-account.ts';
import type { EndpointAnswer, OAuthDesk } from './oauth-endpoints.ts';
import type { ReadRequest } from './oauth-request.ts';

/** What Codex asks of ChatGPT's backend about its account: with a good access token only. */
export function backendAnswer(request: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  const what = /^\/backend-api\/wham\/(.+)$/.exec(request.path)?.[1];
  const known = what === undefined ? undefined : answers[what];
  if (known === undefined || request.method !== 'GET')
    return { status: 404, body: { detail: 'This test server does not know the path.' } };
  const account = desk.ledger.accessOf(request.bearer ?? '');
  return account === undefined ? unauthorized() : { status: 200, body: known(account, desk) };
}

export function unauthorized(): EndpointAnswer {
  const message = 'The access token is unknown, has expired, or its login was revoked.';
  return { status: 401, body: { error: { message, type: 'invalid_request_error', code: 'token_expired' } } };
}

const answers: Readonly<Record<string, (account: OAuthAccount, desk: OAuthDesk) => unknown>> = {
  'accounts/check': accountsCheck,
  usage,
  'profiles/me': () => ({
    stats: {
      lifetime_tokens: 12_345,
      peak_daily_tokens: 2_345,
      longest_running_turn_sec: 60,
      current_streak_days: 1,
      longest_streak_days: 2,
      daily_usage_buckets: [],
    },
  }),
  'settings/user': () => ({}),
  'rate-limit-reset-credits': () => ({ available_count: 0, credits: [] }),
};

function accountsCheck(account: OAuthAccount, { issuer }: OAuthDesk): unknown {
  const entry = {
    id: account.id,
    name: account.name ?? account.id,
    structure: 'personal',
    plan_type: account.plan ?? 'pro',
    profile_picture_url: null,
    can_access_with_session: true,
    is_deactivated: false,
    // Codex takes nothing but https here. It is this machine all the same, so that nothing is asked of others.
    workspace_backend_origin: issuer.replace('http:', 'https:'),
    account_routing_override: 'NO_CONSTRAINT',
  };
  return { accounts: [entry], account_ordering: [account.id], default_account_id: account.id };
}

function usage(account: OAuthAccount, { now }: OAuthDesk): unknown {
  const { primary = 0, secondary = 0 } = account.usedPercent ?? {};
  const limitReached = primary >= 100 || secondary >= 100;
  const window = (usedPercent: number, seconds: number): unknown => ({
    used_percent: usedPercent,
    limit_window_seconds: seconds,
    reset_after_seconds: seconds / 2,
    reset_at: Math.floor(now() / 1000) + seconds / 2,
  });
  return {
    plan_type: account.plan ?? 'pro',
    rate_limit: {
      allowed: !limitReached,
      limit_reached: limitReached,
      primary_window: window(primary, 18_000),
      secondary_window: window(secondary, 604_800),
    },
  };
}

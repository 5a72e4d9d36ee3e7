export { AgentCodexError, type AgentCodexErrorCode } from './agent-codex-error.ts';
export type { HostTokens, TokenLender } from './app-server/server-requests/server-request.ts';
export type { CodexConversation, GoalOptions, RunOptions, RunResult } from './conversation/conversation.ts';
export type { Deadlines } from './conversation/deadlines.ts';
export type { GoalOutcome } from './conversation/goal-outcome.ts';
export type { CodexModel } from './conversation/operations/models.ts';
export type { RateLimits } from './conversation/operations/rate-limits.ts';
export type {
  ListThreadsOptions,
  ThreadHistory,
  ThreadPage,
  ThreadSummary,
} from './conversation/operations/threads.ts';
export type { OperationResult } from './conversation/perform-operation.ts';
export type { ConversationHandlers } from './conversation/session-desks.ts';
export type { PendingTurn, TurnResult } from './conversation/turn-tracker.ts';
export type { CodexBinary } from './find-codex.ts';
export { codexCredential } from './login/codex-credential.ts';
export { codexExecRefresh } from './login/codex-exec-refresh.ts';
export { readCodexQuota } from './login/codex-quota.ts';
export { codexQuota } from './login/codex-quota-reading.ts';
export { codexRefresh } from './login/codex-refresh.ts';
export type { DevicePrompt } from './login/device-prompt.ts';
export { type FetchQuotaOptions, fetchCodexQuota, type QuotaResult } from './login/fetch-codex-quota.ts';
export { hostTokensOf, lendParams } from './login/host-tokens.ts';
export { type IdentityConfig, identityConfig } from './login/identity-config.ts';
export { type LoggedInHome, type LogInOptions, type LoginMethod, logInToCodex } from './login/log-in.ts';
export type { BrowserPrompt } from './login/log-in-by-browser.ts';
export { type LoginProbe, type ProbeLoginOptions, probeCodexLogin } from './login/probe-codex-login.ts';
export type { ProviderRequestOptions } from './login/provider-request.ts';
export {
  type RefreshLoginOptions,
  type RefreshResult,
  refreshCodexLogin,
} from './login/refresh-codex-login.ts';
export { CODEX_CRED_MANIFEST, CODEX_SEED_MANIFEST } from './login/seed-manifests.ts';
export type { InvalidGrant, InvalidGrantReason, UnansweredRefresh } from './login/token-answer.ts';
export {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
} from './open-codex-conversation.ts';
export { type CodexSessionOptions, openCodexSession } from './open-codex-session.ts';
export type { CodexSession, EndFailure, SessionEnd } from './session/codex-session.ts';
export type { SeedChoice, SeedProvider, SessionSeed } from './session/session-seed.ts';
export type { ResumeDifference, ResumeReport, SessionSnapshots } from './session/session-snapshots.ts';
export { CODEX_SNAPSHOT_EXCLUDE } from './session/snapshot-exclude.ts';
export { type CodexTaskConfig, parseCodexTaskConfig } from './task-config.ts';
export type { CodexLogin } from './task-home/codex-login.ts';
export type { CodexConfig } from './task-home/config-toml.ts';
export type { McpServer } from './task-home/mcp-server.ts';

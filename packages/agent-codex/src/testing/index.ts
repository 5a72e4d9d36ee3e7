export { type FakeAppServerOptions, fakeAppServerCommand } from './fake-app-server-command.ts';
export type { AppServerFault, FaultMoment } from './fake-app-server-fault.ts';
export type { ModelExchange } from './model-exchange.ts';
export type {
  InputAuthor,
  InputItem,
  InputMessage,
  InputToolCall,
  InputToolOutput,
} from './model-input.ts';
export type { ModelRequest, OfferedTool } from './model-request.ts';
export type { OAuthAccount } from './oauth/oauth-account.ts';
export type { OAuthFault } from './oauth/oauth-fault.ts';
export type { OAuthRequest } from './oauth/oauth-request.ts';
export { type OAuthAudit, openRotatingOAuth, type RotatingOAuth } from './oauth/rotating-oauth.ts';
export { RotatingOAuthError, type RotatingOAuthErrorCode } from './oauth/rotating-oauth-error.ts';
export type { RotatingOAuthOptions } from './oauth/rotating-oauth-options.ts';
export { openRotatingOAuthProcess } from './oauth/rotating-oauth-process.ts';
export type { Presentation, RefreshTokenRecord, TokenLifetimes } from './oauth/token-ledger.ts';
export type { ProviderConfig, ProviderConfigOptions } from './provider-config.ts';
export type { ReplyOutcome } from './reply-player.ts';
export {
  openScriptedModel,
  type RefusedRequest,
  type ScriptedModel,
  type ScriptedModelOptions,
} from './scripted-model.ts';
export { ScriptedModelError, type ScriptedModelErrorCode } from './scripted-model-error.ts';
export { parseStory, type Reply, type ReplyCondition, type RequestPurpose, type Story } from './story.ts';
export type {
  AskedQuestion,
  Delivery,
  OutputStep,
  PlannedStep,
  ScriptedUsage,
  Step,
  StreamStep,
} from './story-step.ts';
export type { TranscriptOptions } from './transcript.ts';

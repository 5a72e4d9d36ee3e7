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

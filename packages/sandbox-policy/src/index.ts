export {
  bindSandboxPolicy,
  type ResolvedSandbox,
  type SandboxBinding,
} from './bind-policy.ts';
export type { BoundEntry } from './bound-entry.ts';
export { equalPolicies, toPolicySettings } from './canonical-policy.ts';
export { type CommandOutcome, classifyDenial, type Denial, type DenialKind } from './classify-denial.ts';
export { createLinkFollower, type LinkFollower } from './follow-links.ts';
export { parseSandboxPolicy } from './parse-policy.ts';
export type {
  ApprovalMode,
  EnvironmentPolicy,
  FileAccess,
  PolicyEntry,
  PolicySymbol,
  SandboxPolicy,
  SandboxProfile,
} from './policy.ts';
export type { AllowedDirectory, EntrySetting, SandboxPolicySettings } from './policy-settings.ts';
export {
  bindSurveyedPolicy,
  type EnforcingCodex,
  type PolicySurvey,
  type SurveyedPlace,
  surveySandboxPolicy,
} from './policy-survey.ts';
export { type ProbeOptions, probeSandbox } from './probe-sandbox.ts';
export { renderAppServerArgv, renderCodexArgv, renderExecArgv, renderProbeArgv } from './render-argv.ts';
export { CONFIG_KEYS_OWNED_BY_POLICY, renderConfigToml } from './render-config.ts';
export {
  type PolicyParams,
  renderThreadStart,
  renderTurnStart,
  type ThreadPolicyAnswer,
  verifyThreadAnswer,
} from './render-requests.ts';
export { resolveSandboxPolicy, type TaskPlace } from './resolve-policy.ts';
export {
  SandboxPolicyError,
  type SandboxPolicyErrorCode,
  type SandboxPolicyErrorDetails,
} from './sandbox-policy-error.ts';
export type { SandboxCheck, SandboxCheckSubject, SandboxReport } from './sandbox-report.ts';
export type { ConfigTable, ConfigValue } from './toml-literal.ts';

import type { Host } from '@seedbed/host';
import type { ResolvedSandbox } from './bind-policy.ts';
import { createLinkFollower } from './follow-links.ts';
import type { SandboxPolicy } from './policy.ts';
import {
  bindSurveyedPolicy,
  type EnforcingCodex,
  type SurveyedPlace,
  surveySandboxPolicy,
} from './policy-survey.ts';

/** What a host cannot know by itself. */
export interface TaskPlace extends SurveyedPlace, EnforcingCodex {}

/**
 * Binds a policy to a host: what `surveySandboxPolicy` and `bindSurveyedPolicy` do, for who knows all of it from the start.
 *
 * @throws {SandboxPolicyError} as they do.
 * @throws {HostError} when the host cannot be asked.
 */
export async function resolveSandboxPolicy(
  host: Host,
  policy: SandboxPolicy,
  { codexVersion, codexTree, allowEscapableRoot, ...place }: TaskPlace,
): Promise<ResolvedSandbox> {
  const [survey, tree] = await Promise.all([
    surveySandboxPolicy(host, policy, place),
    codexTree && createLinkFollower(host)(codexTree),
  ]);
  return bindSurveyedPolicy(survey, {
    codexVersion,
    ...(tree === undefined ? {} : { codexTree: tree }),
    ...(allowEscapableRoot === undefined ? {} : { allowEscapableRoot }),
  });
}

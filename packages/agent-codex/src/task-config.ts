import { z } from 'zod';
import { AgentCodexError } from './agent-codex-error.ts';
import type { Deadlines } from './conversation/deadlines.ts';
import type { CodexLogin } from './task-home/codex-login.ts';
import type { CodexConfig } from './task-home/config-toml.ts';
import { type McpServer, mcpServerSchema } from './task-home/mcp-server.ts';

/** What a Codex task is to be, as data. Everything is optional; the defaults are the careful ones. */
export interface CodexTaskConfig {
  /** A version of the table that `@seedbed/binary-cache` supports. Its default by default. */
  readonly version?: string;
  readonly model?: string;
  /** Reasoning effort, as `model/list` offers it. */
  readonly effort?: string;
  /** Told to the model before the conversation, with the developer's authority. */
  readonly instructions?: string;
  readonly login?: CodexLogin;
  /** What `parseSandboxPolicy` of `@seedbed/sandbox-policy` takes: by default the workdir may be written, and there is no network. */
  readonly sandbox?: unknown;
  /** Lets root run a Codex whose sandbox root can leave (0.142). Its commands are then as powerful as root. */
  readonly allowEscapableRoot?: boolean;
  readonly mcpServers?: Readonly<Record<string, McpServer>>;
  /** Further members of config.toml, in Codex's own names: a model provider, features. */
  readonly config?: CodexConfig;
  /** Passed to Codex itself, for example the key of a custom provider. What commands see of it is the sandbox policy's to say. */
  readonly env?: Readonly<Record<string, string>>;
  /** The thread to go on with, by its id. */
  readonly resume?: string;
  readonly deadlines?: Partial<Deadlines>;
}

const milliseconds = z
  .int()
  .positive()
  .max(24 * 60 * 60 * 1000)
  .exactOptional();

const configSchema: z.ZodType<CodexTaskConfig> = z.strictObject({
  version: z.string().exactOptional(),
  model: z.string().min(1).exactOptional(),
  effort: z.string().min(1).exactOptional(),
  instructions: z.string().exactOptional(),
  login: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('api-key'), apiKey: z.string() }),
      z.strictObject({ type: z.literal('auth-json'), content: z.string() }),
    ])
    .exactOptional(),
  sandbox: z.unknown().exactOptional(),
  allowEscapableRoot: z.boolean().exactOptional(),
  mcpServers: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), mcpServerSchema).exactOptional(),
  config: z.record(z.string(), z.unknown()).exactOptional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).exactOptional(),
  resume: z.guid().exactOptional(),
  deadlines: z
    .strictObject({
      startMs: milliseconds,
      requestMs: milliseconds,
      answerMs: milliseconds,
      interruptMs: milliseconds,
      endMs: milliseconds,
    })
    .exactOptional(),
});

/** Members of config.toml that a setting of the task decides: saying them twice could make the two differ. */
const decidedElsewhere: Readonly<Record<string, keyof CodexTaskConfig>> = {
  approval_policy: 'sandbox',
  approvals_reviewer: 'sandbox',
  sandbox_mode: 'sandbox',
  sandbox_workspace_write: 'sandbox',
  default_permissions: 'sandbox',
  permissions: 'sandbox',
  projects: 'sandbox',
  shell_environment_policy: 'sandbox',
  mcp_servers: 'mcpServers',
  developer_instructions: 'instructions',
  model_reasoning_effort: 'effort',
};

const ownVariables = [
  'HOME',
  'CODEX_HOME',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_STATE_HOME',
];

/**
 * Checks a task's configuration before anything starts.
 * @throws {AgentCodexError} `invalid-config`: an unknown or ill-formed field, or two settings that contradict each other. Both are named; no value is quoted.
 */
export function parseCodexTaskConfig(input: unknown): CodexTaskConfig {
  const parsed = configSchema.safeParse(input);
  if (!parsed.success)
    throw new AgentCodexError(
      'invalid-config',
      `The task cannot be configured so: ${z.prettifyError(parsed.error)}`,
    );
  const config = parsed.data;
  for (const [member, setting] of Object.entries(decidedElsewhere)) {
    if (config.config?.[member] !== undefined)
      contradiction(`config.${member}`, setting, `say it in ${setting} alone`);
  }
  if (
    config.model !== undefined &&
    config.config?.['model'] !== undefined &&
    config.config['model'] !== config.model
  ) {
    contradiction('config.model', 'model', 'say one of them');
  }
  const own = ownVariables.find((name) => config.env?.[name] !== undefined);
  if (own !== undefined)
    contradiction(`env.${own}`, 'workdir', 'it follows from the workdir and cannot be set');
  return config;
}

function contradiction(one: string, other: string, advice: string): never {
  throw new AgentCodexError('invalid-config', `${one} contradicts ${other}: ${advice}.`);
}

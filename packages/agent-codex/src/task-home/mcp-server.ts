import { z } from 'zod';
import type { CodexConfig } from './config-toml.ts';

/** A tool server that Codex starts on the host, or reaches from there. */
export type McpServer = {
  /** How long it may take to start, in milliseconds. */
  readonly startMs?: number;
  /** How long one call may take, in milliseconds. */
  readonly callMs?: number;
  /** Only these of its tools. */
  readonly tools?: readonly string[];
} & (
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args?: readonly string[];
      /** Codex passes it nothing else but a safe list. It runs outside of the sandbox: trust it as you trust Codex. */
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'http';
      readonly url: string;
      /** The variable of Codex's environment that holds the token: the token itself stays out of config.toml. */
      readonly bearerTokenEnv?: string;
    }
);

const base = {
  startMs: z.int().positive().exactOptional(),
  callMs: z.int().positive().exactOptional(),
  tools: z.array(z.string()).exactOptional(),
};

export const mcpServerSchema: z.ZodType<McpServer> = z.discriminatedUnion('type', [
  z.strictObject({
    ...base,
    type: z.literal('stdio'),
    command: z.string().min(1),
    args: z.array(z.string()).exactOptional(),
    env: z.record(z.string(), z.string()).exactOptional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('http'),
    url: z.string().regex(/^https?:\/\//),
    bearerTokenEnv: z.string().exactOptional(),
  }),
]);

/** The `mcp_servers` of config.toml. */
export function renderMcpServers(servers: Readonly<Record<string, McpServer>>): CodexConfig {
  return {
    mcp_servers: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, renderServer(server)]),
    ),
  };
}

function renderServer(server: McpServer): CodexConfig {
  const { startMs, callMs, tools } = server;
  return {
    ...(server.type === 'stdio'
      ? {
          command: server.command,
          args: server.args ?? [],
          ...(server.env === undefined ? {} : { env: server.env }),
        }
      : {
          url: server.url,
          ...(server.bearerTokenEnv === undefined ? {} : { bearer_token_env_var: server.bearerTokenEnv }),
        }),
    ...(startMs === undefined ? {} : { startup_timeout_sec: startMs / 1000 }),
    ...(callMs === undefined ? {} : { tool_timeout_sec: callMs / 1000 }),
    ...(tools === undefined ? {} : { enabled_tools: tools }),
  };
}

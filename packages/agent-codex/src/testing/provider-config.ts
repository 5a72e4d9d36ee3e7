/** How Codex is pointed at a scripted model. */
export interface ProviderConfigOptions {
  /**
   * Default `mock-model`, for which Codex says in each turn that it has no metadata. A model of Codex's catalogue brings its own instructions
   * and tools; `gpt-5.5` is in the catalogues of 0.142.5 and of 0.169.0.
   */
  readonly model?: string;
  /** How often Codex asks again after a failed request, and after a broken stream. Default 1. */
  readonly retries?: number;
  /** How long Codex waits for the next event of a stream before it takes it for broken; its own default is 5 minutes. */
  readonly streamIdleTimeoutMs?: number;
  /** Also switches on the tools that Codex has but does not offer by itself: plans, questions in every mode, permissions. Default false. */
  readonly offerAllTools?: boolean;
}

/** A part of `config.toml`, as data. */
export type ProviderConfig = Readonly<Record<string, unknown>>;

/** The variable that carries the key to Codex, when the model requires one. */
export const scriptedModelKeyVariable = 'SCRIPTED_MODEL_KEY';

export function providerConfig(
  baseUrl: string,
  options: ProviderConfigOptions & { readonly withKey: boolean },
): ProviderConfig {
  const retries = options.retries ?? 1;
  return {
    model: options.model ?? 'mock-model',
    model_provider: 'mock',
    check_for_update_on_startup: false,
    model_providers: {
      mock: {
        name: 'Scripted model',
        base_url: baseUrl,
        wire_api: 'responses',
        request_max_retries: retries,
        stream_max_retries: retries,
        ...(options.withKey ? { env_key: scriptedModelKeyVariable } : {}),
        ...(options.streamIdleTimeoutMs === undefined
          ? {}
          : { stream_idle_timeout_ms: options.streamIdleTimeoutMs }),
      },
    },
    analytics: { enabled: false },
    // Without these two Codex calls out to the network even with a provider of its own.
    features: {
      plugins: false,
      apps: false,
      ...(options.offerAllTools
        ? { default_mode_request_user_input: true, request_permissions_tool: true }
        : {}),
    },
    ...(options.offerAllTools
      ? { tools: { update_plan: { enabled: true } }, suppress_unstable_features_warning: true }
      : {}),
  };
}

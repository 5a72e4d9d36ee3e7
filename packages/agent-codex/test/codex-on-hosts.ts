import { type SupportedVersion, supportedVersions } from './codex-binaries.ts';
import { type HostUnderTest, hostsUnderTest } from './hosts-under-test.ts';
import { openScriptedTask, type ScriptedTask, type ScriptedTaskOptions } from './scripted-task.ts';

/** A version of Codex on a kind of host. */
export interface CodexOnHost extends HostUnderTest {
  readonly version: SupportedVersion;
  open(options: Omit<ScriptedTaskOptions, 'version' | 'host'>): Promise<ScriptedTask>;
}

/** Every supported version on every kind of host. Called once in a test file, as `hostsUnderTest`. */
export function codexOnHosts(): readonly CodexOnHost[] {
  const hosts = hostsUnderTest();
  return supportedVersions.flatMap((version) =>
    hosts.map(({ where, host }) => ({
      version,
      where,
      host,
      open: async (options) => await openScriptedTask({ version, host: await host(), ...options }),
    })),
  );
}

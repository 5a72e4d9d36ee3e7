import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '@seedbed/host';
import { openSshd } from '@seedbed/host/testing';
import type { SeedId } from '@seedbed/seeds';
import {
  type CodexConfig,
  type CodexSession,
  type CodexSessionOptions,
  codexCredential,
  logInToCodex,
  openCodexSession,
} from '../src/index.ts';
import type { RotatingOAuthOptions } from '../src/testing/index.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';
import { type LoginGround, openLoginGround } from './codex-login.ts';
import { killBelow } from './kill-below.ts';
import { PATIENT } from './patient-deadlines.ts';
import { openHost, type SshTarget } from './seed-child.ts';
import { type DrawerOptions, openSeedDrawer, type SeedDrawer, type SeedPlace } from './seed-drawer.ts';
import { openTasksFolder } from './session-task.ts';

/** A provider, a host, and a place for logins: all that a session under a seed needs. */
export interface SeedGround extends AsyncDisposable {
  readonly oauth: LoginGround['oauth'];
  readonly version: SupportedVersion;
  readonly host: Host;
  readonly ssh: SshTarget | undefined;
  readonly place: SeedPlace;
  /** Holds the workdirs. */
  readonly folder: string;
  /** Of every Codex here: how its processes are known. */
  readonly mark: string;
  /** What a task says itself; who its provider is comes with the login. */
  readonly config: CodexConfig;
  readonly env: Readonly<Record<string, string>>;
  /** That, and who the provider is: what a login is captured with. */
  readonly loginConfig: CodexConfig;
  drawer(options?: DrawerOptions): Promise<SeedDrawer>;
  /** Somebody logs in by device code in a setup session, which becomes a seed of the pool `team`, and ends. */
  setUp(drawer: SeedDrawer): Promise<SeedId>;
  /** `work`, for `task-1`, unless said otherwise. */
  session(
    options: Partial<Omit<CodexSessionOptions, 'env' | 'workdir'>> & { readonly name?: string },
  ): Promise<CodexSession>;
  authJson(name: string): string;
  /** Of the login in the home of a workdir; `undefined` while there is none, or half of it. */
  generationIn(name: string): Promise<string | undefined>;
}

export interface SeedGroundOptions extends RotatingOAuthOptions {
  readonly version: SupportedVersion;
  readonly where?: 'on this machine' | 'through SSH';
  /** SQLite unless given. */
  readonly mongodb?: SeedPlace['mongodb'];
}

export async function openSeedGround(options: SeedGroundOptions): Promise<SeedGround> {
  const { version, where = 'on this machine', mongodb, ...provider } = options;
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await openTasksFolder());
  stack.defer(() => killBelow(folder));
  const accounts = [{ id: 'account-1' }];
  const { model, oauth } = stack.use(
    await openLoginGround({ accounts, approveDevices: 'nobody', ...provider }),
  );
  const ssh = where === 'on this machine' ? undefined : stack.use(await openSshd());
  const target = ssh && {
    ...{ host: ssh.host, port: ssh.port, user: ssh.user },
    ...{ privateKey: ssh.privateKey, fingerprint: ssh.fingerprint },
  };
  const host = stack.use(await openHost(target));
  const place: SeedPlace = { folder, ...(mongodb === undefined ? {} : { mongodb }) };
  const binary = { path: await codexBinary(version) };
  const whole = oauth.config(model.providerConfig({ offerAllTools: true }));
  const { model_providers: _, model_provider: __, chatgpt_base_url: ___, model: ____, ...config } = whole;
  const env = { ...oauth.environment('codex'), SEEDBED_TEST: folder };
  const authJson = (name: string): string => join(folder, name, 'home/.codex/auth.json');
  const owned = stack.move();
  return {
    ...{ oauth, version, host, ssh: target, place, folder, config, env, authJson },
    loginConfig: whole,
    mark: `SEEDBED_TEST=${folder}`,
    drawer: (given = {}) => openSeedDrawer(place, { host, ...given }),
    async setUp({ seeds }) {
      await using login = await logInToCodex({
        ...{ host, version, binary, env, config: whole, workdir: join(folder, 'setup') },
        method: {
          type: 'device',
          issuer: oauth.issuer,
          onPrompt: ({ code }) => oauth.approveDevice(code),
        },
      });
      return await seeds.capture({ host, home: login.home, pool: 'team' });
    },
    session: ({ name = 'work', task = 'task-1', ...rest }) =>
      openCodexSession({
        ...{ host, task, version, binary, env, config, workdir: join(folder, name) },
        ...(host.uid === 0 ? { allowEscapableRoot: true } : {}),
        ...rest,
        deadlines: { ...PATIENT, ...rest.deadlines },
      }),
    authJson,
    async generationIn(name) {
      const bytes = await readFile(authJson(name)).catch(() => new Uint8Array());
      const reading = codexCredential.read(bytes);
      return reading.state === 'logged-in' ? reading.generation : undefined;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Cause {
  readonly sign: RegExp;
  readonly advice: (uid: number) => string;
}

const EXTERNAL =
  'Where the machine is a container that may count as the sandbox itself, say so with the mode "external".';

/** Why a sandbox cannot be set up, as Codex 0.142.5 and 0.169.0 and their bubblewrap say it, and what helps. */
const CAUSES: readonly Cause[] = [
  {
    sign: /bubblewrap is unavailable|codex-resources\/bwrap/i,
    advice: () =>
      `Codex found no bubblewrap. Keep Codex's folder together as it was published (bin/codex beside codex-resources/bwrap), or install the package "bubblewrap". ${EXTERNAL}`,
  },
  {
    sign: /app-server socket directory must be/i,
    advice: (uid) =>
      `Codex refuses its socket folder: /tmp/codex-daemon-${uid} must belong to the user that Codex runs as (uid ${uid}) and have mode 0700. Remove that folder; if another user owns it, have that user or an administrator remove it.`,
  },
  {
    sign: /creating new namespace failed|no permissions to create (?:a )?new namespace|user\.max_user_namespaces|max_\*_namespaces|unprivileged_userns|setting up uid map|unshare.*(?:operation not permitted|failed)/i,
    advice: () =>
      `This machine lets no ordinary program make a user namespace, which bubblewrap needs. On a machine of your own: sysctl user.max_user_namespaces=15000, and where they exist kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0. In a container: start it with a seccomp and AppArmor profile that allows user namespaces (Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined). ${EXTERNAL}`,
  },
  {
    sign: /can't mount proc|mounting proc|mount.*\/proc/i,
    advice: () =>
      `The container does not let bubblewrap mount /proc. Start it with an unmasked /proc (Docker: --security-opt systempaths=unconfined). ${EXTERNAL}`,
  },
  {
    sign: /undefined profile|unknown built-in profile/i,
    advice: () =>
      'Codex does not know the profile that it was given: something else wrote its configuration. Look at /etc/codex and at the config.toml of the task.',
  },
];

/** What to do about a sandbox that could not be set up, from what Codex printed. */
export function sandboxAdvice(output: string, uid: number): string {
  const cause = CAUSES.find(({ sign }) => sign.test(output));
  if (cause !== undefined) return cause.advice(uid);
  return `Try \`codex sandbox\` by hand on that machine. ${EXTERNAL}`;
}

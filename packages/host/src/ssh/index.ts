export type { SshAuthentication } from './authentication.ts';
export type { HostKeyTrust } from './host-key.ts';
export { openSshHost, type SshHostOptions } from './open-ssh-host.ts';
export type { LinkChange } from './ssh-link.ts';

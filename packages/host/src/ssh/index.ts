export { type ReadSshConfigOptions, readSshConfig } from './config/read-ssh-config.ts';
export type { OfferedAlgorithms } from './connection/offered-algorithms.ts';
export type { SshDestination } from './connection/ssh-destination.ts';
export type { LinkChange } from './link/link-change.ts';
export type {
  AgentLogin,
  AnswerQuestions,
  AskSecret,
  KeyFileLogin,
  KeyLogin,
  LoginPrompt,
  LoginQuestions,
  PasswordLogin,
  QuestionsLogin,
  Secret,
  SecretRequest,
  SshAuthentication,
  SshLogin,
} from './login/authentication.ts';
export { openSshHost, type SshHostOptions } from './open-ssh-host.ts';
export type { AcceptNewHostKey, HostKeyTrust, KnownHostsTrust, NewHostKey } from './trust/host-key.ts';

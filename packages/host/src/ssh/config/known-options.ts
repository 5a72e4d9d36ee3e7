/** What an option of ssh_config(5) is to `readSshConfig`. */
export type OptionUse = 'used' | 'ignored' | 'refused' | 'unknown';

const USED =
  namesIn(`Ciphers ConnectTimeout GlobalKnownHostsFile HashKnownHosts HostKeyAlgorithms HostKeyAlias Hostname IdentitiesOnly
  IdentityAgent IdentityFile IgnoreUnknown Include KbdInteractiveAuthentication KexAlgorithms MACs PasswordAuthentication Port PreferredAuthentications ProxyJump
  PubkeyAcceptedAlgorithms PubkeyAuthentication RequiredRSASize ServerAliveInterval StrictHostKeyChecking User UserKnownHostsFile`);

/** They say how to reach the host, or what to trust: without them it would be another connection. `none`, `no` or `any` is fine. */
export const REFUSED_OPTIONS: ReadonlySet<string> = namesIn(
  `AddressFamily BindAddress BindInterface CanonicalizeHostname CertificateFile CheckHostIP KnownHostsCommand PKCS11Provider ProxyCommand ProxyUseFdpass
  RefuseConnection RevokedHostKeys`,
);

/**
 * Comforts of an interactive session, forwards, methods of login and ways to trust that are not there anyway, so that the connection is made without them or not at all.
 * `NoHostAuthenticationForLocalhost`, `UpdateHostKeys` and `VerifyHostKeyDNS` would trust more.
 */
const IGNORED =
  namesIn(`AddKeysToAgent BatchMode CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots CanonicalizePermittedCNAMEs CASignatureAlgorithms ChannelTimeout
  ClearAllForwardings Compression CompressionLevel ConnectionAttempts ControlMaster ControlPath ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign
  EscapeChar ExitOnForwardFailure FingerprintHash ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout ForwardX11Trusted GatewayPorts
  GSSAPIAuthentication GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKeyExchange GSSAPIKexAlgorithms GSSAPIRenewalForcesRekey GSSAPIServerIdentity
  GSSAPITrustDns HostbasedAcceptedAlgorithms HostbasedAuthentication HostbasedKeyTypes IPQoS KbdInteractiveDevices KeepAlive LocalCommand LocalForward LogLevel LogVerbose
  NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming PermitLocalCommand PermitRemoteOpen Protocol RekeyLimit RemoteCommand RemoteForward
  RequestTTY RhostsRSAAuthentication RSAAuthentication SecurityKeyProvider SendEnv ServerAliveCountMax SessionType SetEnv SmartcardDevice StdinNull StreamLocalBindMask StreamLocalBindUnlink SyslogFacility
  Tag TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys UseKeychain UsePrivilegedPort UseRoaming VerifyHostKeyDNS VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation`);

/** Other names of the same, older ones mostly. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['challengeresponseauthentication', 'kbdinteractiveauthentication'],
  ['skeyauthentication', 'kbdinteractiveauthentication'],
  ['tisauthentication', 'kbdinteractiveauthentication'],
  ['dsaauthentication', 'pubkeyauthentication'],
  ['pubkeyacceptedkeytypes', 'pubkeyacceptedalgorithms'],
  ['rsaminsize', 'requiredrsasize'],
]);

function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().split(/\s+/));
}

/** The name under which an option is known, in lower case. */
export function optionName(keyword: string): string {
  return ALIASES.get(keyword) ?? keyword;
}

export function useOf(option: string): OptionUse {
  if (USED.has(option)) return 'used';
  if (REFUSED_OPTIONS.has(option)) return 'refused';
  return IGNORED.has(option) ? 'ignored' : 'unknown';
}

/** What npm calls credentials, behind the address that they are for. */
const credential = /:(?:_authToken|_auth|_password|username|certfile|keyfile)$/;

/**
 * Why an address cannot be given to another machine, `undefined` when it can: npm would send credentials there, or it holds some itself. Looks at the whole server:
 * what is configured for one of its folders may be needed behind a redirect to another.
 */
export function whyWithheld(
  address: string,
  npmOptions: Readonly<Record<string, unknown>>,
): string | undefined {
  if (!URL.canParse(address)) return 'its address is none';
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `it is reached by ${url.protocol}`;
  if (url.username !== '' || url.password !== '' || url.search !== '')
    return 'its address holds what may be a secret';
  const server = `//${url.host}`;
  const isConfigured = Object.entries(npmOptions).some(
    ([name, value]) =>
      Boolean(value) &&
      credential.test(name) &&
      (name.startsWith(`${server}/`) || name.startsWith(`${server}:`)),
  );
  const isForAll = ['forceAuth', 'cert', 'key'].some((name) => Boolean(npmOptions[name]));
  return isConfigured || isForAll ? 'npm is configured with credentials for it' : undefined;
}

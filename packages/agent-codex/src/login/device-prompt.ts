import { stripVTControlCharacters } from 'node:util';

/** What somebody has to do so that a device is logged in: open the address, and type the code there. */
export interface DevicePrompt {
  /** Below the issuer of the login, and nowhere else. */
  readonly url: string;
  readonly code: string;
}

/** Codex has said both within 1 KiB. */
const MAX_PROMPT_CHARACTERS = 64 * 1024;

const ADDRESS = /https?:\/\/[^\s"'<>]+/;

/** `ABCD-EFGH`, alone on its line. */
const CODE = /^[A-Z0-9]{3,12}(?:-[A-Z0-9]{3,12}){1,3}$/;

/**
 * Finds the prompt in what `codex login --device-auth` prints, which partly comes from the network. Gives it once, as soon as both lines are whole;
 * `undefined` before, and for whatever else is printed, however much.
 */
export function createPromptFinder(issuer: string): (printed: string) => DevicePrompt | undefined {
  const { origin } = new URL(issuer);
  let rest = '';
  let seen = 0;
  let url: string | undefined;
  let isFound = false;
  return (printed) => {
    if (isFound || seen > MAX_PROMPT_CHARACTERS) return undefined;
    seen += printed.length;
    const lines = (rest + printed).split('\n');
    // As it came: a colour may be cut in the middle.
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = stripVTControlCharacters(raw);
      const address = ADDRESS.exec(line)?.[0];
      if (url === undefined && address !== undefined && URL.parse(address)?.origin === origin) url = address;
      const code = line.trim();
      if (url === undefined || !CODE.test(code)) continue;
      isFound = true;
      return { url, code };
    }
    return undefined;
  };
}

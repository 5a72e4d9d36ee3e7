import { randomBytes } from 'node:crypto';

/** An environment of which a script knows what is in it. */
const CLEAN = 'env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C';

/**
 * Lines for the user's login shell, whichever that is: plain words, and quotes that all shells read alike. None holds what the host's other users must
 * not see: they stand in the list of processes. What does comes through standard input.
 */

/** A shell that waits for the length of a script, and the script, and runs it in its own process. */
export const WAITING_SHELL: string = `exec ${CLEAN} /bin/sh -c 'read -r n && eval "$(head -c "$n")"'`;

/** A shell that runs what comes, and before that tells who has logged in and with which environment, between two lines with the token. */
export function talkativeShell(token: string): string {
  const facts = 'uname -s; uname -m; id -u; env -0';
  const tell = `printf "\\n%s\\n" ${token}; ${facts}; printf "\\n%s\\n" ${token}`;
  return `exec /bin/sh -c '${tell}; exec ${CLEAN} /bin/sh'`;
}

/** A shell that runs a script of so many bytes in a terminal, which in its usual mode would show the script and cut long lines. */
export function terminalShell(token: string, bytes: number): string {
  const quiet = `s=$(stty -g); stty raw -echo; printf "\\n%s ready\\n" ${token}`;
  return `exec ${CLEAN} /bin/sh -c '${quiet}; S=$(head -c ${bytes}); stty "$s"; eval "$S"'`;
}

/** A word that no output can hold by chance, nor by intent of who does not read this program's memory. */
export function newToken(): string {
  return randomBytes(12).toString('hex');
}

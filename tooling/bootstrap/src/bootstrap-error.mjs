/** Something that the person at the keyboard can put right. The message says what was tried, what happened and what to do. */
export class BootstrapError extends Error {
  /** @override */
  name = 'BootstrapError';
}

const ADVICE = /** @type {Readonly<Record<string, string>>} */ ({
  ENOSPC: 'The disk is full. Free some space (about 1 GB is needed) and start again.',
  EDQUOT: 'The disk quota is used up. Free some space (about 1 GB is needed) and start again.',
  EROFS: 'The file system is read-only. Start from a checkout that you can write to.',
  EACCES:
    'This user may not write there. Start as the user who owns the checkout, or give this user the right to write.',
  EPERM:
    'This user may not write there. Start as the user who owns the checkout, or give this user the right to write.',
});

/**
 * Turns a failure of the file system into an error that says what to do; any other error is given back as it is.
 *
 * @param {unknown} error
 * @param {string} tried what was tried, as the start of a sentence
 */
export function explainFileError(error, tried) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const advice = ADVICE[code];
  return advice === undefined
    ? error
    : new BootstrapError(`${tried} failed (${code}). ${advice}`, { cause: error });
}

/**
 * What to do about a failure of the disk that a child process reported by its code, if it is one.
 *
 * @param {string} output what the child printed
 */
export function fileAdvice(output) {
  const code = Object.keys(ADVICE).find((name) => output.includes(name));
  return code === undefined ? undefined : ADVICE[code];
}

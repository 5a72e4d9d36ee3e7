/** Codex hands each command to a shell. */
const throughShell = /^\/(?:usr\/)?bin\/(?:ba|da|z)?sh -l?c (?:'([^']*)'|"([^"\\$`!]*)"|([\w./:=@%+,-]+))$/;

/**
 * The command as the model wrote it, where that can be told without doubt; else the whole of what will be run.
 */
export function shellCommand(command: string): string {
  const match = throughShell.exec(command);
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? command;
}

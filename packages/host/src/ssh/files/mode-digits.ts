/** A mode for chmod, as octal digits that also take away what is not named: four of them would leave a folder its setgid bit. */
export function modeDigits(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(5, '0');
}

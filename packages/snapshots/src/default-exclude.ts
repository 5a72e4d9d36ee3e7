/**
 * What is left out of a snapshot unless the caller says otherwise: what is made again from what is kept. A caller who wants less or more passes a list of its own.
 * `.git` and the databases of a project are not among them: nobody else has what was not pushed.
 */
export const DEFAULT_EXCLUDE: readonly string[] = [
  'node_modules',
  '__pycache__',
  '*.pyc',
  '.venv',
  '.DS_Store',
  'home/.cache',
  'home/tmp',
];

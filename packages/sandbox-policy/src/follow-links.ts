import {
  type Host,
  HostError,
  type HostPath,
  hostPathName,
  joinHostPath,
  parentHostPath,
} from '@seedbed/host';

/** Where a path leads, of which any part at the end may be missing. */
export type LinkFollower = (path: HostPath) => Promise<HostPath>;

/**
 * Follows links on a host: of a path that is all there but its last part in one step, of any other in two, however much of it is missing.
 * Each path is asked for once, so that what many paths have in common costs nothing more.
 */
export function createLinkFollower(host: Host): LinkFollower {
  const asked = new Map<HostPath, Promise<HostPath | HostError>>();
  const ask = (path: HostPath): Promise<HostPath | HostError> => {
    const answer = asked.get(path) ?? host.canonicalize(path).catch(asHostError);
    asked.set(path, answer);
    return answer;
  };
  return async (path) => {
    const whole = await ask(path);
    if (!isMissing(whole) || path === '/') return orThrow(whole);
    // The nearest folder that is there decides; all are asked at once.
    const folders = foldersAbove(path);
    const answers = await Promise.all(folders.map(ask));
    const nearest = answers.findIndex((answer) => !isMissing(answer));
    if (nearest < 0) return orThrow(whole);
    const missing = [path, ...folders.slice(0, nearest)].map(hostPathName).reverse();
    return joinHostPath(orThrow(answers[nearest] ?? whole), ...missing);
  };
}

/** The folders that hold a path, the nearest first. */
function foldersAbove(path: HostPath): readonly HostPath[] {
  const folders: HostPath[] = [];
  for (let at = path; at !== '/'; at = parentHostPath(at)) folders.push(parentHostPath(at));
  return folders;
}

function asHostError(failure: unknown): HostError {
  if (failure instanceof HostError) return failure;
  throw failure;
}

function isMissing(answer: HostPath | HostError): boolean {
  return answer instanceof HostError && answer.code === 'not-found';
}

function orThrow(answer: HostPath | HostError): HostPath {
  if (answer instanceof HostError) throw answer;
  return answer;
}

/** What a text says as JSON; `undefined` when it is none. An error of the parser would quote it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

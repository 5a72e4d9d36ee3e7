/**
 * Does several things at the same time. The first failure gives up the others by their signal, and is thrown when nothing of it is under way any more.
 * `signal` of the caller gives up all of them.
 */
export async function sideBySide<Results extends readonly unknown[]>(
  signal: AbortSignal | undefined,
  begin: (signal: AbortSignal) => { readonly [Index in keyof Results]: Promise<Results[Index]> },
): Promise<Results> {
  const gaveUp = new AbortController();
  const begun = begin(signal === undefined ? gaveUp.signal : AbortSignal.any([signal, gaveUp.signal]));
  try {
    return await Promise.all(begun);
  } catch (failure) {
    gaveUp.abort(failure);
    await Promise.allSettled(begun);
    throw failure;
  }
}

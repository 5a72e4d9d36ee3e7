/** A type whose members that may be undefined may be missing instead. */
export type DefinedMembers<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** The members that have a value: an optional member of ours is missing where it has none. */
export function definedMembers<T extends object>(value: T): DefinedMembers<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as DefinedMembers<T>;
}

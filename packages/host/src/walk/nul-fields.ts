/** Cuts bytes at each NUL. Gives, for each chunk, the fields that end in it. */
export interface NulFields {
  readonly take: (chunk: Uint8Array) => readonly Buffer[];
  /** Bytes of a field whose end has not come. */
  readonly rest: number;
}

export function createNulFields(): NulFields {
  let rest: Buffer = Buffer.alloc(0);
  return {
    take(chunk) {
      const bytes =
        rest.length === 0
          ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
          : Buffer.concat([rest, chunk]);
      const fields: Buffer[] = [];
      let at = 0;
      for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, at)) {
        fields.push(bytes.subarray(at, end));
        at = end + 1;
      }
      rest = bytes.subarray(at);
      return fields;
    },
    get rest() {
      return rest.length;
    },
  };
}

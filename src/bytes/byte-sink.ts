/** Something that takes bytes in order: an egress log's claimed entry, for those who may not know of logs. */
export interface ByteSink {
  /** Appends `bytes[start, end)`. */
  write(bytes: Uint8Array, start?: number, end?: number): void;
}

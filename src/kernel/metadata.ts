/** What is known about a stream: a snapshot that is replaced, never changed. */

export type StreamState = "idle" | "publishing" | "transcoding" | "recording" | "ended";

export type MetadataValue = number | string | boolean;

export interface StreamMetadata {
  /** The publisher's IP address; empty for one in the process. */
  readonly publisherAddress: string;
  /** Short name of the protocol it came by, such as `rtmp`. */
  readonly ingestProtocol: string;
  /** Wall time of the publisher's start, milliseconds since 1970; 0 before there was one. */
  readonly startedAtMs: number;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly fps?: number | undefined;
  /** As announced, in bits a second; what is measured stands in the stream's QoS. */
  readonly videoBitRate?: number | undefined;
  readonly audioBitRate?: number | undefined;
  /** The encoder's name, as it calls itself. */
  readonly encoder?: string | undefined;
  /** Other fields that the publisher sent, bounded in number and length. */
  readonly fields: ReadonlyMap<string, MetadataValue>;
}

export const emptyMetadata: StreamMetadata = {
  publisherAddress: "",
  ingestProtocol: "",
  startedAtMs: 0,
  fields: new Map(),
};

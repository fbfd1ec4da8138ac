/** The ports that the protocols of one server are listened on; undefined for what is off, and before the start. */
export interface MediaPorts {
  readonly rtmp: number | undefined;
  readonly rtmps: number | undefined;
  readonly rtsp: number | undefined;
  readonly rtsps: number | undefined;
}

export const noPorts: MediaPorts = { rtmp: undefined, rtmps: undefined, rtsp: undefined, rtsps: undefined };

/** For what shards can't share and divide among them. */
export interface ShardPosition {
  /** From 0 on. */
  readonly index: number;
  /** Shards that listen. */
  readonly count: number;
}

/** What a player asks for in the query of its address, the same on every protocol that carries FLV. */

export interface PlayerQuery {
  readonly wantsAudio: boolean;
  readonly wantsVideo: boolean;
  /** H.265 as codec id 12, the older convention. */
  readonly wantsHevc12: boolean;
  readonly wantsMultitrack: boolean;
}

export function parsePlayerQuery(query: string): PlayerQuery {
  const parameters = new URLSearchParams(query);
  return {
    wantsAudio: parameters.get("audio") !== "0",
    wantsVideo: parameters.get("video") !== "0",
    wantsHevc12: parameters.get("hevc") === "12",
    wantsMultitrack: parameters.get("multitrack") === "1",
  };
}

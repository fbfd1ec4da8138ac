/** `connect` and its answer, RTMP 1.0 §7.2.1.1, with the properties of E-RTMP v2. */

import { CodedError } from "../../../bytes/coded-error.ts";
import { type AmfValue, amfObject, makeAmfObject } from "../../../formats/amf/amf-value.ts";
import { capabilityFields, parseCapabilities, type RtmpCapabilities } from "../capabilities.ts";
import { ERR_RTMP_COMMAND_ARGUMENT } from "../errors.ts";
import { maxConnectStringBytes } from "../limits.ts";
import { connectCode } from "../status.ts";
import { splitQuery } from "../url.ts";
import { requirePathAndQuery, requireText } from "./argument.ts";
import type { Command } from "./command.ts";

export interface Connect {
  /** Without its query, and without one slash at its end, which comes from addresses like `rtmp://host/live/`. */
  readonly app: string;
  /** The query of app; of tcUrl when app has none. Without "?". */
  readonly query: string;
  /** Empty when the peer sent none, as flashVer. */
  readonly tcUrl: string;
  readonly flashVer: string;
  /** 0: AMF0. 3: AMF3 as well. */
  readonly objectEncoding: 0 | 3;
  /** Undefined: RTMP 1.0 only. */
  readonly capabilities: RtmpCapabilities | undefined;
}

/** Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function parseConnect(command: Command): Connect {
  const object = amfObject(command.commandObject);
  if (object === undefined) {
    throw new CodedError(ERR_RTMP_COMMAND_ARGUMENT, "expected an object as the command object of connect");
  }
  const { fields } = object;
  const { path, query } = requirePathAndQuery(fields.get("app"), "app");
  const tcUrl = requireText(fields.get("tcUrl") ?? "", "tcUrl", maxConnectStringBytes);
  return {
    app: path.endsWith("/") ? path.slice(0, -1) : path,
    query: query === "" ? splitQuery(tcUrl).query : query,
    tcUrl,
    flashVer: requireText(fields.get("flashVer") ?? "", "flashVer", maxConnectStringBytes),
    objectEncoding: fields.get("objectEncoding") === 3 ? 3 : 0,
    capabilities: parseCapabilities(object),
  };
}

/** The two values of `_result`. `capabilities`: ours, for a peer that announced its own; undefined for others. */
export function connectResult(objectEncoding: 0 | 3, capabilities: RtmpCapabilities | undefined): AmfValue[] {
  const information = {
    level: "status",
    code: connectCode.success,
    description: "Connection succeeded.",
    objectEncoding,
    ...(capabilities === undefined ? {} : capabilityFields(capabilities)),
  };
  return [makeAmfObject({ fmsVer: serverName, capabilities: flashCapabilities, mode: 1 }), makeAmfObject(information)];
}

/** Flash Media Server's name: librtmp, Flash and others look for its form. */
const serverName = "FMS/3,5,7,7009";
/** Audio, video, shared objects: the bits that Flash Media Server sends. */
const flashCapabilities = 31;

/** TLS connections that the server begins: whom it talks to is checked before the first byte. */

import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CONNECT, ERR_PEER_CERTIFICATE } from "./errors.ts";

export interface TlsTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** What the certificate has to be for. */
  readonly host: string;
  /** SHA-256 of the only certificate that will do, in lower case without colons; empty: one that an authority has signed. */
  readonly fingerprint: string;
}

export interface TlsDial {
  destroy(): void;
}

/** Calls one of the two, once; neither after {@link TlsDial.destroy}. */
export function dialTls(
  { address, port, host, fingerprint }: TlsTarget,
  onSocket: (socket: TLSSocket) => void,
  onFailure: (failure: CodedError) => void,
): TlsDial {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connect({ host: address, port, ...name, rejectUnauthorized: fingerprint === "" });
  let isSettled = false;
  const fail = (failure: CodedError): void => {
    if (isSettled) return;
    isSettled = true;
    socket.destroy();
    onFailure(failure);
  };
  // Stays, so that an error after the end is nobody's.
  socket.on("error", (error: NodeJS.ErrnoException) => fail(failureOf(error)));
  socket.once("close", () => fail(new CodedError(ERR_CONNECT, "the connection was closed during the TLS handshake")));
  socket.once("secureConnect", () => {
    if (isSettled) return;
    const given = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase();
    if (fingerprint !== "" && given !== fingerprint) {
      const what = `the server's certificate has the SHA-256 ${given}, which is not source_fingerprint`;
      fail(new CodedError(ERR_PEER_CERTIFICATE, what));
      return;
    }
    isSettled = true;
    socket.setNoDelay(true);
    onSocket(socket);
  });
  return {
    destroy: () => {
      isSettled = true;
      socket.destroy();
    },
  };
}

function failureOf({ code = "an unknown error", message }: NodeJS.ErrnoException): CodedError {
  // System errors are of the connection; all others (SELF_SIGNED_CERT_IN_CHAIN, ERR_TLS_CERT_ALTNAME_INVALID …) of TLS.
  if (/^E[A-Z]+$/.test(code) && code !== "EPROTO") return new CodedError(ERR_CONNECT, `the connection failed: ${code}`);
  return new CodedError(
    ERR_PEER_CERTIFICATE,
    `TLS was not agreed on: ${message.split("\n", 1)[0]} (see source_fingerprint)`,
  );
}

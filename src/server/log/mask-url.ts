/**
 * Addresses without their secrets. Credentials travel in the query (`?token=…`), in RTMP inside the stream's name, and
 * before the host (`user:password@`); addresses are logged, credentials are not.
 */

/** What stands where a secret stood. */
export const mask = "***";

/** One address (or only its path and query) with its secrets masked. A secret ends at the next `&`, or with the text. */
export function maskUrl(url: string): string {
  return maskQueries(maskPasswords(url), /[^&]*/y);
}

/**
 * The same for every address inside a line of JSON: a secret also ends at a blank and at the string's closing quote. What is
 * valid JSON stays so. This is the net below the callers that forget {@link maskUrl}.
 */
export function maskUrlsInJson(line: string): string {
  return maskQueries(maskPasswords(line), /(?:[^&\s"\\]|\\.)*/y);
}

function maskPasswords(text: string): string {
  return (
    text
      .replace(/(:\/\/[^/?#\s"@:\\]*):[^/?#\s"\\]*@/g, `$1:${mask}@`)
      // Cameras of one large maker have it in the path: rtsp://host/user=admin_password=secret_channel=1_stream=0.sdp
      .replace(/(\/user=[^/?#\s"\\]*?_password=)[^/?#\s"\\]*/g, `$1${mask}`)
  );
}

function maskQueries(text: string, value: RegExp): string {
  const parameter = /[?&]([^=?&#\s"\\]{1,64})=/g;
  let masked = "";
  let kept = 0;
  for (let match = parameter.exec(text); match !== null; match = parameter.exec(text)) {
    if (!isSecretName(match[1]!)) continue;
    value.lastIndex = parameter.lastIndex;
    value.exec(text);
    if (value.lastIndex > parameter.lastIndex) {
      masked += text.slice(kept, parameter.lastIndex) + mask;
      kept = value.lastIndex;
      parameter.lastIndex = kept;
    }
  }
  return kept === 0 ? text : masked + text.slice(kept);
}

function isSecretName(name: string): boolean {
  let decoded = name;
  try {
    decoded = decodeURIComponent(name);
  } catch {
    // Not an encoding: taken as it stands.
  }
  return secretNames.has(decoded.toLowerCase().replaceAll(/[-_]/g, ""));
}

/** In lower case and without dashes; ours is `token`, the others are what other servers and encoders use. */
const secretNames: ReadonlySet<string> = new Set([
  "token",
  "accesstoken",
  "key",
  "apikey",
  "streamkey",
  "secret",
  "txsecret",
  "wssecret",
  "password",
  "passwd",
  "passphrase",
  "pass",
  "pwd",
  "auth",
  "authkey",
  "authorization",
  "jwt",
  "sig",
  "sign",
  "signature",
]);

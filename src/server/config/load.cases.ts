/** Configurations and the problems they have: each problem's whole message, in order. */

export interface RefusedCase {
  readonly name: string;
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly set?: readonly string[];
  readonly rtmpPort?: string;
  readonly problems: readonly string[];
}

export const refusedCases: readonly RefusedCase[] = [
  {
    name: "a mistyped key, with file, line and the nearest name",
    file: "[rtmp]\nport = 1935\nchunksize = 4096\n",
    problems: ["millrace.toml:3: rtmp.chunksize is not an option; did you mean rtmp.chunk_size?"],
  },
  {
    name: "a key in the wrong section",
    file: "[server]\nallow_origin = '*'\n",
    problems: ["millrace.toml:2: server.allow_origin is not an option; did you mean http.allow_origin?"],
  },
  {
    name: "a key of no section",
    file: "port = 1\n\nbanana = 2",
    problems: [
      "millrace.toml:1: port is not an option; did you mean rtmp.port?",
      "millrace.toml:3: banana is not an option",
    ],
  },
  {
    name: "a mistyped section once, whatever is in it",
    file: "[htpp]\nport = 8001\nhost = ''\n",
    problems: ["millrace.toml:1: [htpp] is not a section; did you mean [http]?"],
  },
  {
    name: "a foreign section, with the ones there are",
    file: "[control_plane]\nurl = ''\n[[hls]]\n",
    problems: [
      "millrace.toml:1: [control_plane] is not a section; the sections are server, rtmp, rtmp.tls, rtsp, rtsp.tls, http, streaming, access, logging, and [[streams]]",
      "millrace.toml:3: [hls] is not a section; the sections are server, rtmp, rtmp.tls, rtsp, rtsp.tls, http, streaming, access, logging, and [[streams]]",
    ],
  },
  {
    name: "a quoted key with a dot, which is no path",
    file: '"rtmp.port" = 1\n[rtmp]\n"tls.port" = 1',
    problems: [
      'millrace.toml:1: "rtmp.port" is not an option; did you mean rtmp.port?',
      'millrace.toml:3: rtmp."tls.port" is not an option; did you mean rtmp.tls.port?',
    ],
  },
  {
    name: "a section that is a value, and a value that is a section",
    file: "rtmp = 1935\n[http.port]\n[[logging]]\n",
    problems: [
      "millrace.toml:1: rtmp is a section: expected [rtmp] once, with its options below",
      "millrace.toml:3: logging is a section: expected [logging] once, with its options below",
      "millrace.toml:2: http.port: expected an integer from 0 to 65535; got a table",
    ],
  },
  {
    name: "wrong types",
    file: [
      "[rtmp]",
      'enabled = "yes"',
      "port = 1935.5",
      "gop_cache = 1",
      "chunk_size = 2024-01-01",
      "ping_interval_seconds = nan",
      "host = ['a']",
    ].join("\n"),
    problems: [
      'millrace.toml:2: rtmp.enabled: expected true or false; got "yes"',
      "millrace.toml:3: rtmp.port: expected an integer from 0 to 65535; got 1935.5",
      "millrace.toml:4: rtmp.gop_cache: expected true or false; got 1",
      "millrace.toml:5: rtmp.chunk_size: expected an integer from 128 to 1048576 (bytes); got a date",
      "millrace.toml:6: rtmp.ping_interval_seconds: expected an integer from 1 to 3600 (seconds); got NaN",
      'millrace.toml:7: rtmp.host: expected an IP address or a host name without a port, or "" for all addresses; got an array',
    ],
  },
  {
    name: "values out of range, and quantities without a unit",
    file: [
      "rtmp.port = 65536",
      "rtmp.chunk_size = 127",
      'streaming.idle_timeout = "2d"',
      'streaming.publisher_timeout = "10"',
      "streaming.max_ring = 64",
      "server.shards = 65",
      'logging.level = "verbose"',
      'http.host = "[::1]:80"',
    ].join("\n"),
    problems: [
      "millrace.toml:1: rtmp.port: expected an integer from 0 to 65535; got 65536",
      "millrace.toml:2: rtmp.chunk_size: expected an integer from 128 to 1048576 (bytes); got 127",
      'millrace.toml:3: streaming.idle_timeout: expected a duration from "0s" to "1d"; got "2d"',
      'millrace.toml:4: streaming.publisher_timeout: expected a duration such as "10s" (units: ms, s, m, h, d); got "10"',
      'millrace.toml:5: streaming.max_ring: expected a size from "1MiB" to "1GiB"; got 64',
      "millrace.toml:6: server.shards: expected an integer from 0 to 64; got 65",
      'millrace.toml:7: logging.level: expected "trace", "debug", "info", "warn", "error", "fatal" or "silent"; got "verbose"',
      'millrace.toml:8: http.host: expected an IP address or a host name without a port, or "" for all addresses; got "[::1]:80"',
    ],
  },
  {
    name: "origins that are addresses of pages",
    file: 'http.allow_origin = ["https://a.org", "https://a.org/page"]',
    problems: [
      'millrace.toml:1: http.allow_origin: expected "*", an origin such as "https://example.org", or a list of origins; got an array',
    ],
  },
  {
    name: "TOML that is none, with line and column, and what else there is",
    file: "[rtmp]\nport = 1935\nport = 1936\n",
    set: ["http.prot=1"],
    problems: [
      "millrace.toml:3:1: trying to redefine an already defined table or value",
      "--set: http.prot is not an option; did you mean http.port?",
    ],
  },
  {
    name: "a broken line without repeating the secret in it",
    file: '[access]\npublish_token = "swordfish\n',
    problems: ["millrace.toml:2:27: control characters are not allowed in strings"],
  },
  {
    name: "prototype keys",
    file: "[__proto__]\npolluted = true\n",
    problems: ["millrace.toml:1:2: document contains an unsafe property"],
  },
  {
    name: "prototype keys on the command line and in the environment",
    env: { MILLRACE____PROTO____POLLUTED: "1", MILLRACE__CONSTRUCTOR: "1" },
    set: ["__proto__.polluted=1", "constructor=1", "toString=1"],
    problems: [
      "MILLRACE____PROTO____POLLUTED: no option has this variable",
      "MILLRACE__CONSTRUCTOR: no option has this variable",
      "--set: __proto__.polluted is not an option",
      "--set: constructor is not an option",
      "--set: toString is not an option",
    ],
  },
  {
    name: "nesting beyond reason",
    file: `a = ${"[".repeat(40)}${"]".repeat(40)}`,
    problems: ["millrace.toml:1:37: document contains excessively nested structures. aborting."],
  },
  {
    name: "dotted keys beyond reason",
    file: `rtmp.port = 1\n${"a.".repeat(50_000)}b = 1`,
    problems: ["millrace.toml: line 2: keys are nested deeper than 32"],
  },
  {
    name: "variables of no option",
    env: { MILLRACE__RTMP__PROT: "1", MILLRACE__RTMP_PORT: "1", MILLRACE__: "1" },
    problems: [
      "MILLRACE__RTMP__PROT: no option has this variable; did you mean MILLRACE__RTMP__PORT?",
      "MILLRACE__RTMP_PORT: no option has this variable; did you mean MILLRACE__RTMP__PORT?",
      "MILLRACE__: no option has this variable",
    ],
  },
  {
    name: "texts that are no values",
    env: { RTMP_PORT: "http", MILLRACE__HTTP__ENABLED: "1" },
    set: ["rtmp.port", "=5", "rtmp.gop_cache=TRUE"],
    rtmpPort: "1e3",
    problems: [
      "--set rtmp.port: expected --set section.option=value",
      "--set: expected --set section.option=value",
      'RTMP_PORT: rtmp.port: expected an integer from 0 to 65535; got "http"',
      'MILLRACE__HTTP__ENABLED: http.enabled: expected true or false; got "1"',
      '--set rtmp.gop_cache: rtmp.gop_cache: expected true or false; got "TRUE"',
      '--rtmp-port: rtmp.port: expected an integer from 0 to 65535; got "1e3"',
    ],
  },
  {
    name: "secrets' files for what is no secret, missing, or beside the variable itself",
    env: {
      MILLRACE__RTMP__TLS__KEY_FILE: "/run/secrets/key.pem",
      MILLRACE__ACCESS__PUBLISH_TOKEN_FILE: "/nowhere",
      MILLRACE__ACCESS__PLAY_TOKEN_FILE: "/run/token",
      MILLRACE__ACCESS__PLAY_TOKEN: "x",
    },
    problems: [
      "MILLRACE__RTMP__TLS__KEY_FILE: only secrets are read from files; write MILLRACE__RTMP__TLS__KEY=…",
      "MILLRACE__ACCESS__PUBLISH_TOKEN_FILE: there is no file /nowhere",
      "MILLRACE__ACCESS__PLAY_TOKEN_FILE: MILLRACE__ACCESS__PLAY_TOKEN is set as well; leave one of them out",
    ],
  },
  {
    name: "a secret of the wrong type without showing it",
    file: 'access.publish_token = 12345678\naccess.play_token = "sword fish"',
    problems: [
      'millrace.toml:1: access.publish_token: expected a string of up to 1024 visible ASCII characters without blanks, or ""; got a number',
      'millrace.toml:2: access.play_token: expected a string of up to 1024 visible ASCII characters without blanks, or ""; got a string of 10 characters that is not shown',
    ],
  },
  {
    name: "a private key pasted in place of its path, showing its first line",
    env: { MILLRACE__RTMP__TLS__KEY: "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN" },
    problems: [
      'MILLRACE__RTMP__TLS__KEY: rtmp.tls.key: expected the path of a file, or ""; got "-----BEGIN PRIVATE KEY-----…"',
    ],
  },
  {
    name: "names that would forge lines",
    file: '"a\\nmillrace.toml:1\\u001b[31m" = 1',
    problems: ['millrace.toml:1: "a\\nmillrace.toml:1\\u001b[31m" is not an option'],
  },
  {
    name: "one port twice",
    file: "[rtmp]\nport = 8000\ntls = { certificate = 'c', key = 'k', port = 8000 }\n",
    problems: [
      "millrace.toml:3: rtmp.port and rtmp.tls.port are both 8000: give one of them another port",
      "millrace.toml:2: rtmp.port and http.port are both 8000: give one of them another port",
      "millrace.toml:3: rtmp.tls.port and http.port are both 8000: give one of them another port",
    ],
  },
  {
    name: "a certificate without its key, and a key without its certificate",
    file: "rtmp.tls.certificate = 'c'",
    problems: [
      "millrace.toml:1: rtmp.tls.certificate is given without rtmp.tls.key: RTMPS needs both, or neither to stay off",
    ],
  },
  {
    name: "a key without its certificate",
    set: ["rtmp.tls.key=k"],
    problems: [
      "--set rtmp.tls.key: rtmp.tls.key is given without rtmp.tls.certificate: RTMPS needs both, or neither to stay off",
    ],
  },
  {
    name: "rules that let nobody in, nothing to serve, and a ring larger than the memory",
    file: "rtmp.enabled = false\nhttp.enabled = false\nrtsp.enabled = false\naccess.publish = 'token'\naccess.play = 'token'\nstreaming.memory_limit = '32MiB'",
    problems: [
      "millrace.toml:1: rtmp.enabled, rtsp.enabled and http.enabled are all false: there is nothing to serve",
      'millrace.toml:4: access.publish is "token" and access.publish_token is empty: nobody could publish',
      'millrace.toml:5: access.play is "token" and access.play_token is empty: nobody could play',
      "millrace.toml:6: streaming.max_ring is larger than streaming.memory_limit: one stream could take more than all may",
    ],
  },
  {
    name: "odd ports for RTP",
    file: "[rtsp]\nudp_port = 8001\nmulticast = true\nmulticast_port = 8501",
    problems: [
      "millrace.toml:2: rtsp.udp_port is 8001, which is odd: RTP has the even port, RTCP the next one",
      "millrace.toml:4: rtsp.multicast_port is 8501, which is odd: RTP has the even port, RTCP the next one",
    ],
  },
  {
    name: "a range of ports that has no pair; the port that is not used then may be odd",
    file: '[rtsp]\nudp_port = 8001\nudp_ports = "20001-20002"',
    problems: ["millrace.toml:3: rtsp.udp_ports has no even port with an odd one behind it: RTP and RTCP need two"],
  },
  {
    name: "ranges that are none",
    file: '[rtsp]\nudp_ports = "20001-20000"\nmulticast_range = "239.255.0.1/16"',
    problems: [
      'millrace.toml:2: rtsp.udp_ports: expected two ports and a dash between them, the lower one first, such as "20000-20999", or ""; got "20001-20000"',
      'millrace.toml:3: rtsp.multicast_range: expected a range of multicast addresses of IPv4 (224.0.0.0 to 239.255.255.255), such as "239.255.0.0/16"; got "239.255.0.1/16"',
    ],
  },
  {
    name: "a wrong value without guessing what it contradicts",
    file: "rtmp.port = 8000\nhttp.port = 'x'\nrtmp.tls = { certificate = 'c', key = 5 }",
    problems: [
      'millrace.toml:2: http.port: expected an integer from 0 to 65535; got "x"',
      'millrace.toml:3: rtmp.tls.key: expected the path of a file, or ""; got 5',
    ],
  },
  {
    name: "entries of streams with mistyped options, no name, and a name that is none",
    file: [
      "[[streams]]",
      'name = "live/cam"',
      'sorce = "rtsp://host/x"',
      "[[streams]]",
      'source = "rtsp://host/x"',
      "[[streams]]",
      'name = "cam"',
      "[[stream]]",
    ].join("\n"),
    problems: [
      "millrace.toml:3: sorce is not an option of [[streams]]; did you mean source?",
      "millrace.toml:8: [stream] is not a section; did you mean [[streams]]?",
      'millrace.toml:4: the entry needs a name: name = "live/cam"',
      'millrace.toml:7: name: expected a stream\'s name such as "live/cam", or a pattern with one * such as "cams/*"; got "cam"',
    ],
  },
  {
    name: "streams that are no list",
    file: '[streams]\nname = "live/cam"',
    problems: ["millrace.toml:1: streams is a list: expected [[streams]] in front of each entry"],
  },
  {
    name: "addresses of sources and forwards that are none, without showing them",
    file: [
      "[[streams]]",
      'name = "live/cam"',
      'source = "http://u:swordfish@host/x"',
      'forward = ["rtsp://u:swordfish@/x"]',
      'source_fingerprint = "ab:cd"',
      'source_on_demand_timeout = "0s"',
    ].join("\n"),
    problems: [
      'millrace.toml:3: source: expected rtsp://[user:password@]host[:port]/path or rtsps://…, or ""; got a string of 25 characters that is not shown',
      "millrace.toml:4: forward: expected a list of at most 32 different addresses, each rtsp://[user:password@]host[:port]/path or rtsps://…; got an array",
      'millrace.toml:5: source_fingerprint: expected the SHA-256 of a certificate, 64 hexadecimal digits with or without colons, or ""; got "ab:cd"',
      'millrace.toml:6: source_on_demand_timeout: expected a duration from "1s" to "30s"; got "0s"',
    ],
  },
  {
    name: "entries that make no sense together",
    file: [
      '[[streams]]\nname = "live/cam"\nsource = "rtsp://host/x"',
      '[[streams]]\nname = "live/cam"',
      '[[streams]]\nname = "cams/*"\nsource = "rtsp://host/*"',
      `[[streams]]\nname = "live/other"\nsource = "rtsp://host/x"\nsource_fingerprint = "${"ab".repeat(32)}"`,
    ].join("\n"),
    problems: [
      "millrace.toml:4: live/cam has an entry already, at millrace.toml:1",
      "millrace.toml:8: the source of cams/* needs source_on_demand = true: which streams there are shows when they are played",
      "millrace.toml:12: source_fingerprint is of an rtsps:// source: without TLS there is no certificate",
    ],
  },
  {
    name: "entries of streams outside of the file",
    env: { MILLRACE__STREAMS: "[]", MILLRACE__STREAMS__0__NAME: "live/cam" },
    set: ["streams.live/cam.source=rtsp://host/x"],
    problems: [
      "MILLRACE__STREAMS: [[streams]] entries stand in the file: a list of tables has no form as a text",
      "MILLRACE__STREAMS__0__NAME: [[streams]] entries stand in the file: a list of tables has no form as a text",
      "--set: [[streams]] entries stand in the file: a list of tables has no form as a text",
    ],
  },
];

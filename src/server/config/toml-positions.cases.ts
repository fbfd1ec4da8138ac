/** Documents, and where some of their keys stand: path → "line:column". */

export interface PositionCase {
  readonly name: string;
  readonly text: string;
  readonly positions: readonly (readonly [path: readonly string[], place: string])[];
}

export const positionCases: readonly PositionCase[] = [
  {
    name: "tables and plain keys",
    text: "# head\na = 1\n\n[rtmp]\nport = 1935 # [not.a.table]\n  chunk_size=1\n",
    positions: [
      [["a"], "2:1"],
      [["rtmp"], "4:2"],
      [["rtmp", "port"], "5:1"],
      [["rtmp", "chunk_size"], "6:3"],
    ],
  },
  {
    name: "dotted keys and dotted headers, with blanks around the dots",
    text: "rtmp . tls.port = 1\n[ http . deep ]\nx.y = 2",
    positions: [
      [["rtmp"], "1:1"],
      [["rtmp", "tls"], "1:8"],
      [["rtmp", "tls", "port"], "1:12"],
      [["http"], "2:3"],
      [["http", "deep"], "2:10"],
      [["http", "deep", "x", "y"], "3:3"],
    ],
  },
  {
    name: "quoted keys",
    text: '"a.b" = 1\n\'c\\d\' = 2\n"tab\\tquote\\"" = 3\n"" = 4\n["x]y"]\n"\\u0041" = 5',
    positions: [
      [["a.b"], "1:1"],
      [["c\\d"], "2:1"],
      [['tab\tquote"'], "3:1"],
      [[""], "4:1"],
      [["x]y"], "5:2"],
      [["x]y", "A"], "6:1"],
    ],
  },
  {
    name: "strings that look like keys, headers and comments",
    text: 'a = """\n[b]\nc = 1 \\""" d = 2\n"""""\ne = \'\'\'\n\'\'[f]\n\'\'\'\'\ng = "#]\\"" # h = 1\ni = \'\\\'\nj = 1',
    positions: [
      [["a"], "1:1"],
      [["e"], "5:1"],
      [["g"], "8:1"],
      [["i"], "9:1"],
      [["j"], "10:1"],
    ],
  },
  {
    name: "arrays over several lines, with comments and inline tables",
    text: "a = [ # one ]\n  1, 'x]', # two\n  { b = 3, c.d = [4] },\n]\ne = { f = 1, g = { h = 2 } }\ni = 1979-05-27 07:32:00\nj = -inf",
    positions: [
      [["a", "0"], "2:3"],
      [["a", "1"], "2:6"],
      [["a", "2"], "3:3"],
      [["a", "2", "b"], "3:5"],
      [["a", "2", "c", "d"], "3:14"],
      [["a", "2", "c", "d", "0"], "3:19"],
      [["e", "f"], "5:7"],
      [["e", "g", "h"], "5:20"],
      [["i"], "6:1"],
      [["j"], "7:1"],
    ],
  },
  {
    name: "arrays of tables, with tables inside",
    text: '[[streams]]\nname = "a"\n[streams.access]\nplay = 1\n[[streams]]\nname = "b"\n[[streams.forwards]]\nurl = 1\n[[streams.forwards]]\nurl = 2\n',
    positions: [
      [["streams"], "1:3"],
      [["streams", "0", "name"], "2:1"],
      [["streams", "0", "access", "play"], "4:1"],
      [["streams", "1"], "5:3"],
      [["streams", "1", "name"], "6:1"],
      [["streams", "1", "forwards", "0", "url"], "8:1"],
      [["streams", "1", "forwards", "1", "url"], "10:1"],
    ],
  },
  {
    name: "carriage returns",
    text: "a = 1\r\n\r\n[b]\r\nc = 2\r\n",
    positions: [
      [["a"], "1:1"],
      [["b"], "3:2"],
      [["b", "c"], "4:1"],
    ],
  },
];

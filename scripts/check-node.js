/**
 * Loaded before everything else (`node --import`), in JavaScript that any Node still in use can read: an old Node can't
 * even load the TypeScript that would complain about it.
 */

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (!(major >= 26 || (major === 24 && minor >= 15))) {
  process.stderr.write(
    `Millrace needs Node 26 (or 24.15 and newer of 24), and this is Node ${process.versions.node}: ` +
      "run `npm ci`, which brings Node 26 along on Linux x64; elsewhere install it from https://nodejs.org.\n",
  );
  process.exit(1);
}

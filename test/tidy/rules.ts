/** All house rules, by the sentence that each of them keeps. */

import { noDeadFiles } from "./dead-files.ts";
import { dependenciesAreDocumented, linksResolve, npmScriptsExist } from "./documents.ts";
import { errorCodesAreDeclared, errorCodesAreUsedByName } from "./errors.ts";
import {
  filesAreShort,
  noBarrels,
  noCatchAllNames,
  noDefaultExports,
  noLeftovers,
  noMachineAddresses,
  noSkippedTests,
} from "./form.ts";
import { importsHaveNoCycles, importsKeepTheTable } from "./imports.ts";
import { fuzzTargetsCoverWhatTheySay, parsersHaveFuzzTargets } from "./parsers.ts";
import { noAmbientBelowRuntime, noPackagesBelowRuntime } from "./purity.ts";
import type { Rule } from "./tree.ts";

export const rules: Readonly<Record<string, Rule>> = {
  "imports keep the table of layers": importsKeepTheTable,
  "imports have no cycles": importsHaveNoCycles,
  "no packages below runtime/": noPackagesBelowRuntime,
  "no I/O, clock, timer or randomness below runtime/": noAmbientBelowRuntime,
  "every parser has a fuzz target": parsersHaveFuzzTargets,
  "fuzz targets cover what they say": fuzzTargetsCoverWhatTheySay,
  "no dead files": noDeadFiles,
  "links between documents resolve": linksResolve,
  "npm scripts named in documents exist": npmScriptsExist,
  "every dependency is documented": dependenciesAreDocumented,
  "error codes are declared once, with a sentence": errorCodesAreDeclared,
  "error codes are used by name": errorCodesAreUsedByName,
  "files are short": filesAreShort,
  "no names that say nothing": noCatchAllNames,
  "no default exports": noDefaultExports,
  "no barrels": noBarrels,
  "no leftover notes": noLeftovers,
  "no test is skipped or singled out": noSkippedTests,
  "no addresses of one machine": noMachineAddresses,
};

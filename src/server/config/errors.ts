/** The codes of everything that can be wrong with a configuration. Each is one {@link CodedError} of a list of problems. */

/** The configuration as a whole is refused; `ConfigError.problems` has every reason. */
export const ERR_CONFIG_INVALID = "ERR_CONFIG_INVALID";

/** The file named on the command line, or a secret's file, is not there or cannot be read. */
export const ERR_CONFIG_UNREADABLE = "ERR_CONFIG_UNREADABLE";

/** The file is larger than a configuration or a secret can be. */
export const ERR_CONFIG_TOO_LARGE = "ERR_CONFIG_TOO_LARGE";

/** The file is not UTF-8, or not TOML. */
export const ERR_CONFIG_SYNTAX = "ERR_CONFIG_SYNTAX";

/** Tables, arrays or dotted keys are nested deeper than any option is. */
export const ERR_CONFIG_TOO_DEEP = "ERR_CONFIG_TOO_DEEP";

/** A key, a variable or a `--set` names no option. */
export const ERR_CONFIG_UNKNOWN = "ERR_CONFIG_UNKNOWN";

/** A value has the wrong type, is out of range, or is not one of the words allowed. */
export const ERR_CONFIG_VALUE = "ERR_CONFIG_VALUE";

/** A `--set` without `key=`, or a `…_FILE` variable for what is no secret or is set already. */
export const ERR_CONFIG_USAGE = "ERR_CONFIG_USAGE";

/** Each value is fine alone; together they make no sense. */
export const ERR_CONFIG_CONTRADICTION = "ERR_CONFIG_CONTRADICTION";

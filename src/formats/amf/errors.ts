/** Every way in which AMF data is refused. A read past the end is `ERR_TRUNCATED`, as everywhere. */

/** A type marker that the specification does not define, or reserves (movie clip, record set). */
export const ERR_AMF_MARKER = "ERR_AMF_MARKER";

/** Values nested deeper than `maxAmfDepth`. */
export const ERR_AMF_DEPTH = "ERR_AMF_DEPTH";

/** More than `maxAmfValues` values in one message, references counted as what they stand for. */
export const ERR_AMF_TOO_MANY_VALUES = "ERR_AMF_TOO_MANY_VALUES";

/** A declared count that the bytes that are left cannot hold. */
export const ERR_AMF_COUNT = "ERR_AMF_COUNT";

/** A reference to an object that does not exist, or that is not complete yet (a cycle). */
export const ERR_AMF_REFERENCE = "ERR_AMF_REFERENCE";

/** A key or class name longer than `maxAmfNameBytes`, or an empty key without the end of the object. */
export const ERR_AMF_NAME = "ERR_AMF_NAME";

/** An AMF3 object whose class writes itself, in a form that only that class knows. */
export const ERR_AMF_EXTERNALIZABLE = "ERR_AMF_EXTERNALIZABLE";

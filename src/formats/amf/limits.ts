/** What a peer may make us hold or walk through while AMF is read. */

/** Nesting. Encoders send 2 (metadata with an object inside), Flash's `connect` 3; a reader that recurses needs an end. */
export const maxAmfDepth = 16;

/** Values in one message: the key-frame index of a recorded file has two for each key frame, 4 hours of them fit. */
export const maxAmfValues = 32_768;

/** Bytes of a key or class name: the longest of the specifications has 30. */
export const maxAmfNameBytes = 1024;

/** Bytes that all references of one message stand for: without it 64 KiB of references could be written back as 1 GiB. */
export const maxAmfRepeatedBytes = 262_144;

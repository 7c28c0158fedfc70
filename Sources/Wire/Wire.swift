/// Bytes ⇄ batches, one folder a protocol, decoder and encoder of a format together.
///
/// Invariants
/// 1. Pure: no clocks, files or sockets; what a decoder needs to know of the world is in its options.
/// 2. No read past the input, no allocation by a length that was not checked against the bytes left.
/// 3. Recursion is bounded by `DecodeOptions.depthLimit` before it can reach the end of a 512-KiB stack.
/// 4. Everything written into an arena is valid UTF-8 and, where it is JSON, valid JSON.
enum WireRoom {}

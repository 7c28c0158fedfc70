/// The words of Garner: what a record is, what a batch of them looks like, and what can be said about their fate.
///
/// Invariants
/// 1. A `Batch` is complete before it is handed over and never changes afterwards.
/// 2. A record is one span, log record or data point; the books count records. A row is a record or a span event.
/// 3. Times are nanoseconds since 1970 UTC; ids lie in memory in the order of the wire.
///
/// Never here: Foundation, NIO, clocks, files, sockets.
enum TelemetryRoom {}

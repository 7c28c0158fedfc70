/// The doors for telemetry, and the one road from them to the store: read, decode, append, answer.
///
/// Invariants
/// 1. A success answer is given only after `BatchSink.append` has returned.
/// 2. One body is one buffer, one decode and one `await` of the sink.
/// 3. A record that is refused is counted, named to its sender and written to the reject log, once, however often it is sent.
///
/// Never here: the store itself, SQL, forwarding.
enum IntakeRoom {}

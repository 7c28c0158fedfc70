/// Wiring: configuration in, doors and store out, one lifetime.
///
/// Order of a start: configuration, lock and store, doors, `endpoints.json`, ready. A stop goes the other way: not ready,
/// doors closed with what is in flight answered, writer, settler, catalog.
///
/// Locks are nowhere nested: each is taken with nothing inside.
enum DaemonRoom {}

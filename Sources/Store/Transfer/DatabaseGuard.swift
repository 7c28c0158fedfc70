import CSQLite
import Glibc

/// What a connection to a stranger's database may do, whatever the database says.
enum DatabaseGuard {
  private static let interval: Int32 = 100_000

  /// Ends a statement that goes round in circles: pages of a broken file may point at one another. A scan takes some twenty
  /// steps a row, and a row at least a few bytes.
  static func limitSteps(_ connection: Connection, bytes: Int64) {
    let rounds = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
    rounds.initialize(to: (64 * bytes + 100_000_000) / Int64(interval))
    sqlite3_progress_handler(
      connection.handle, interval,
      { context in
        guard let rounds = context?.assumingMemoryBound(to: Int64.self) else { return 1 }
        rounds.pointee -= 1
        return rounds.pointee < 0 ? 1 : 0
      }, rounds)
    connection.owned = UnsafeMutableRawPointer(rounds)
  }

  /// From here on: reading the tables that an export has, and nothing of a view or trigger.
  static func allowOnlyReading(_ connection: Connection) {
    sqlite3_set_authorizer(
      connection.handle,
      { _, action, table, _, schema, inside in
        guard inside == nil else { return SQLITE_DENY }
        switch action {
        case SQLITE_SELECT: return SQLITE_OK
        case SQLITE_FUNCTION: return SQLITE_OK
        case SQLITE_READ:
          guard let table, let schema, strcmp(schema, "main") == 0 else { return SQLITE_DENY }
          let isKnown =
            strcmp(table, "telemetry_events") == 0 || strcmp(table, "otlp") == 0 || strcmp(table, "origin") == 0
          return isKnown ? SQLITE_OK : SQLITE_DENY
        default: return SQLITE_DENY
        }
      }, nil)
  }
}

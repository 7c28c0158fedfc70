import Daemon
import Glibc
import Store
import Telemetry

/// One query for `query` and `inspect`: files or one database, time and row limits, Ctrl-C, a new list when files changed.
struct QueryRun {
  var store: StoreArguments
  var resolved: ResolvedConfig
  var restricted = false
  /// JSON strings of one player, whose rows are all there is; empty: all rows.
  var players: [String] = []
  var timeout: Duration
  /// 0: no limit.
  var limit: Int

  /// What the signal handler raises; a handler can reach nothing but globals.
  private static let interrupt = QueryInterrupt()
  /// Ctrl-C came while a query was under way, even if that was done by then.
  static var isInterrupted: Bool { interrupt.isRaised }

  func run(_ sql: String, _ parameters: [String: SQLValue], _ listing: ListingArguments) throws {
    if sql.allSatisfy(\.isWhitespace) { throw CommandFailure(.badInput, "there is no SQL to run") }
    let narrowed = players.isEmpty ? nil : PlayerQuery(sql, players: players, isDatabase: store.db != nil)
    signal(SIGINT) { _ in QueryRun.interrupt.raise() }
    // Who goes on after the query is ended by the signal like any other process.
    defer { signal(SIGINT, SIG_DFL) }
    do throws(QueryError) {
      let session = try makeSession()
      for attempt in 1... {
        do throws(QueryError) {
          return try run(session, narrowed?.sql ?? sql, parameters, listing)
        } catch {
          guard case .filesChanged(_, false) = error, attempt < 20 else { throw error }
          // Whoever removes a file needs a moment to take it off the list.
          if attempt > 3 { FileSystem.pause(milliseconds: 10) }
          session.use(files: try files())
        }
      }
    } catch {
      throw failure(error, sql, narrowed)
    }
  }

  private func makeSession() throws(QueryError) -> QuerySession {
    let names = resolved.config.retention.classes.classes.filter(\.restricted).map(\.name)
    let options = QuerySession.Options(includeRestricted: restricted, restrictedClasses: names)
    if let database = store.db { return try QuerySession(database: database, options: options) }
    return try QuerySession(files: try files(), options: options)
  }

  private func files() throws(QueryError) -> [DataFile] {
    do {
      return try FileList.read(try resolved.existingDirectory())
    } catch let failure as CommandFailure {
      throw .unreadable(failure.message ?? "no data")
    } catch {
      throw .unreadable("\(error)")
    }
  }

  private func run(
    _ session: QuerySession, _ sql: String, _ parameters: [String: SQLValue], _ listing: ListingArguments
  ) throws(QueryError) {
    var writer: TableWriter?
    var failed: (any Error)?
    let outcome = try session.run(
      sql, parameters: parameters, timeoutNanoseconds: timeout == .zero ? nil : timeout.nanoseconds,
      rowLimit: limit == 0 ? nil : limit, interrupt: Self.interrupt,
      columns: { writer = listing.writer($0) },
      row: { row in
        do {
          try writer?.append((0..<row.count).map { TableValue(row.value($0)) })
          return true
        } catch {
          failed = error
          return false
        }
      })
    do { try writer?.finish() } catch { failed = error }
    for warning in session.warnings { Output.error("warning: \(warning)") }
    if store.db == nil, let directory = try? resolved.existingDirectory() {
      DamageNotice(directory).send(session.passedOver)
    }
    if outcome.isLimited { Output.error("stopped after \(outcome.rows) rows; --limit 0 shows all") }
    if let failed { throw .failed("\(failed)") }
  }

  private func failure(_ error: QueryError, _ sql: String, _ narrowed: PlayerQuery?) -> CommandFailure {
    var error = error
    if case .syntax(let message, let offset?) = error, let narrowed {
      error = .syntax(message: message, offset: narrowed.original(offset))
    }
    let place = error.position(in: sql).map { " (line \($0.line), column \($0.column))" } ?? ""
    switch error {
    case .unreadable: return CommandFailure(.unavailable, error.description)
    case .interrupted: return CommandFailure(.interrupted, "interrupted: the rows above are not all")
    case .filesChanged: return CommandFailure(.unavailable, error.description)
    default: return CommandFailure(.badInput, error.description + place)
    }
  }
}

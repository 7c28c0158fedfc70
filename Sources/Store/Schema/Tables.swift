/// The tables of a data file, landing or settled. Their meaning is told in `docs/schema.md`.
///
/// ```
/// event ── name      (category, event)
///   ├───── ctx       source, session, game, component, module, fingerprint
///   ├───── stream ── resource
///   └───── series ── metric
/// arrival   one row a batch: ids from `first` on came at `at` through `door`
/// ```
/// A settled file has one table `event`; a landing file has one a class and a view `event` over them.
package enum Tables {
  /// `PRAGMA user_version`: grows with every change of this layout. Readers know every released number.
  package static let version: Int64 = 1
  /// `PRAGMA application_id`, "GRNR".
  package static let applicationID: Int64 = 0x4752_4e52

  package static let dictionaries = """
    CREATE TABLE name(id INTEGER PRIMARY KEY, category TEXT NOT NULL, event TEXT NOT NULL);
    CREATE TABLE ctx(id INTEGER PRIMARY KEY, source TEXT NOT NULL, session TEXT NOT NULL, game_id TEXT,
      valid_from INTEGER NOT NULL, component TEXT NOT NULL, game_module TEXT, mod_fingerprint TEXT);
    CREATE TABLE resource(id INTEGER PRIMARY KEY, attributes TEXT NOT NULL, dropped INTEGER NOT NULL, schema_url TEXT,
      entity_refs TEXT);
    CREATE TABLE stream(id INTEGER PRIMARY KEY, resource INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
      attributes TEXT NOT NULL, dropped INTEGER NOT NULL, schema_url TEXT);
    CREATE TABLE metric(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type INTEGER NOT NULL, unit TEXT NOT NULL,
      description TEXT NOT NULL, metadata TEXT, temporality INTEGER NOT NULL, monotonic INTEGER NOT NULL,
      json TEXT NOT NULL);
    CREATE TABLE series(id INTEGER PRIMARY KEY, metric INTEGER NOT NULL, attributes TEXT NOT NULL, moved TEXT);
    CREATE TABLE arrival(first INTEGER PRIMARY KEY, at INTEGER NOT NULL, door TEXT NOT NULL);
    CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

    """

  /// Names of the tables above that settling copies whole (arrival and meta are made anew).
  package static let dictionaryNames = ["name", "ctx", "resource", "stream", "metric", "series"]

  /// Landing files only: what one transaction must hold beside the rows.
  package static let landing = """
    CREATE TABLE receipt(key BLOB PRIMARY KEY, door TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL,
      first_id INTEGER NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL, rejected INTEGER NOT NULL,
      filtered INTEGER NOT NULL, deduplicated INTEGER NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE tally(source TEXT NOT NULL, door TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
      n INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
      PRIMARY KEY(source, door, kind, reason)) WITHOUT ROWID;
    CREATE TABLE uid(key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE imported(store TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(store, first))
      WITHOUT ROWID;
    \(mark)
    \(keep)
    \(LearnedContexts.schema)

    """

  /// A removed mark is NULL until its file is settled, or an older value in `state.db` would come back.
  static let mark = "CREATE TABLE IF NOT EXISTS mark(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"

  /// Ids of rows that an import wants kept until a time, whatever the age of their class.
  static let keep = """
    CREATE TABLE IF NOT EXISTS keep(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, until INTEGER NOT NULL);
    """

  package static func event(_ table: String) -> String {
    """
    CREATE TABLE \(quoted(table))(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL,
      severity INTEGER NOT NULL, name INTEGER NOT NULL, ctx INTEGER NOT NULL, stream INTEGER NOT NULL, bits INTEGER,
      trace BLOB, span BLOB, parent BLOB, duration INTEGER, aux INTEGER, tick INTEGER, series INTEGER, value,
      data TEXT, ext TEXT, corr TEXT, uid TEXT);

    """
  }

  package static func landingTable(_ className: String) -> String { "event_" + className }

  /// All of a landing file: dictionaries, books, a table a class, the union of them and the views.
  package static func landingSchema(classes: [String]) -> String {
    dictionaries + landing + classes.map { event(landingTable($0)) }.joined()
      + "CREATE VIEW event AS "
      + classes.map { "SELECT * FROM \(quoted(landingTable($0)))" }.joined(separator: " UNION ALL ") + ";\n"
      + Views.all(table: "event")
  }

  package static func settledSchema() -> String { dictionaries + LearnedContexts.inheritsTable + event("event") }

  package static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

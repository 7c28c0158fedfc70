/// The schema that games write themselves (`telemetry.db`): one table, thirteen columns, seven indexes. An exported
/// `.db` has exactly this, so that whatever reads the one reads the other.
package enum SourceSchema {
  static let table = """
    CREATE TABLE telemetry_events (
    id INTEGER PRIMARY KEY,
    timestamp TEXT NOT NULL,
    session_id TEXT NOT NULL,
    component TEXT NOT NULL,
    game_module TEXT,
    mod_fingerprint TEXT,
    category TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL DEFAULT 'info',
    data TEXT,
    duration_us INTEGER,
    tick INTEGER,
    correlation TEXT
    );

    """

  static let indexes = """
    CREATE INDEX idx_telemetry_ts ON telemetry_events(timestamp);
    CREATE INDEX idx_telemetry_cat_event ON telemetry_events(category, event);
    CREATE INDEX idx_telemetry_session ON telemetry_events(session_id);
    CREATE INDEX idx_telemetry_game_module ON telemetry_events(game_module) WHERE game_module IS NOT NULL;
    CREATE INDEX idx_telemetry_mod_fp ON telemetry_events(mod_fingerprint) WHERE mod_fingerprint IS NOT NULL;
    CREATE INDEX idx_telemetry_severity ON telemetry_events(severity) WHERE severity IN ('warn', 'error');
    CREATE INDEX idx_telemetry_correlation ON telemetry_events(correlation) WHERE correlation IS NOT NULL;

    """

  /// What an export has beside it: the record behind a row, whose the records from one on are (see `Origin`), and where
  /// all of it is from.
  static let transfer = """
    CREATE TABLE otlp(id INTEGER PRIMARY KEY, json TEXT NOT NULL);
    CREATE TABLE origin(first INTEGER PRIMARY KEY, source TEXT NOT NULL, session TEXT NOT NULL, component TEXT NOT NULL,
      game_module TEXT, mod_fingerprint TEXT);
    CREATE TABLE manifest(key TEXT PRIMARY KEY, value);

    """

  package static let columns = [
    "id", "timestamp", "session_id", "component", "game_module", "mod_fingerprint", "category", "event", "severity",
    "data", "duration_us", "tick", "correlation",
  ]

  /// `manifest.schema_version`.
  static let version: Int64 = 1
}

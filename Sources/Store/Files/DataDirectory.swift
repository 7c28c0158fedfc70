import Telemetry

/// Where everything lies under the data directory (DESIGN §4). Pure names; `FileSystem` touches the disk.
package struct DataDirectory: Sendable, Equatable {
  /// Absolute or relative path without a slash at its end.
  package let path: String

  package init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// Whether a path below the directory is one that only the daemon writes to; exports and dropped files are not.
  package static func isOwn(_ relative: String) -> Bool {
    let first = relative.prefix { $0 != "/" }
    let isFile = ["catalog.db", "state.db"].contains { first.hasPrefix($0) }
    let names = [
      "shards", "quarantine", "rejected", "keys", "tmp", "forward", "ballast", "lock", "control.sock", "endpoints.json",
    ]
    return isFile || names.contains(String(first))
  }

  package var shards: String { path + "/shards" }
  package var landing: String { path + "/shards/landing" }
  package var catalog: String { path + "/catalog.db" }
  package var state: String { path + "/state.db" }
  package var stateCopy: String { path + "/state.db.bak" }
  package var quarantine: String { path + "/quarantine" }
  package var rejected: String { path + "/rejected" }
  package var drop: String { path + "/drop" }
  package var exports: String { path + "/exports" }
  package var keys: String { path + "/keys" }
  package var temporary: String { path + "/tmp" }
  package var forward: String { path + "/forward" }
  package var forwardPositions: String { forward + "/positions.db" }
  package var forwardPositionsCopy: String { forward + "/positions.copy.db" }
  package var ballast: String { path + "/ballast" }
  package var lock: String { path + "/lock" }
  package var controlSocket: String { path + "/control.sock" }
  package var endpoints: String { path + "/endpoints.json" }

  package func landingFile(_ number: Int64) -> String { "\(landing)/\(number).db" }

  /// `day` nil: the class's `late` folder.
  package func shardFolder(class name: String, day: Int64?) -> String {
    "\(shards)/\(name)/\(day.map { Timestamp.text(day: $0) } ?? "late")"
  }

  package func shardFile(class name: String, day: Int64?, number: Int64, part: Int64) -> String {
    "\(shardFolder(class: name, day: day))/\(number)-\(part).db"
  }
}

/// One data file as a reader needs to know it: everything that lets it be passed over without opening it.
package struct DataFile: Sendable, Equatable {
  /// Number of the landing file, given once and never reused; settled files carry that of their origin.
  package var number: Int64
  /// 0 for a landing file; settled parts count from 1.
  package var part: Int64
  package var path: String
  /// Nil for a landing file, which has a table for each class.
  package var className: String?
  /// Day number since 1970 of all row times; nil: landing or late.
  package var day: Int64?
  package var restricted: Bool
  package var rows: Int64
  package var bytes: Int64
  /// Inclusive ranges; meaningless when `rows` is 0. A landing file's are as of now and may grow.
  package var firstID: Int64
  package var lastID: Int64
  package var minTime: Int64
  package var maxTime: Int64
  package var minReceived: Int64
  package var maxReceived: Int64
  /// Bloom filter over trace ids (`TraceFilter`); nil: unknown, look inside.
  package var traces: [UInt8]?
  /// Nanoseconds since 1970; until then age alone does not take it (`garner import --keep`).
  package var keepUntil: Int64?
  /// The database whose table `file` has the filter, where `traces` does not.
  package var catalog: String?

  package var isLanding: Bool { part == 0 }

  package init(
    number: Int64, part: Int64, path: String, className: String?, day: Int64?, restricted: Bool, rows: Int64,
    bytes: Int64, firstID: Int64, lastID: Int64, minTime: Int64, maxTime: Int64, minReceived: Int64,
    maxReceived: Int64, traces: [UInt8]?
  ) {
    self.number = number
    self.part = part
    self.path = path
    self.className = className
    self.day = day
    self.restricted = restricted
    self.rows = rows
    self.bytes = bytes
    self.firstID = firstID
    self.lastID = lastID
    self.minTime = minTime
    self.maxTime = maxTime
    self.minReceived = minReceived
    self.maxReceived = maxReceived
    self.traces = traces
  }
}

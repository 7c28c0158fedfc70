/// Names that may not be written, each with the reason and the door to use instead.
struct BannedName: Sendable {
  enum Place: Sendable { case sources, tests, everywhere }

  let name: String
  let place: Place
  /// Rooms where the name is at home; nil: nowhere.
  let exceptRooms: Set<String>
  /// Files where the name is at home.
  let exceptFiles: Set<String>
  /// A line with this text beside the name is the allowed form.
  let unless: String?
  let reason: String

  init(
    _ name: String, _ place: Place = .everywhere, exceptRooms: Set<String> = [], exceptFiles: Set<String> = [],
    unless: String? = nil, reason: String
  ) {
    self.name = name
    self.place = place
    self.exceptRooms = exceptRooms
    self.exceptFiles = exceptFiles
    self.unless = unless
    self.reason = reason
  }

  static let all: [BannedName] = [
    BannedName("String(format:", reason: "1.7 µs a call and 44 MB of ICU → append to bytes"),
    BannedName("DateFormatter", reason: "50 µs a call and 44 MB of ICU → Timestamp"),
    BannedName("NumberFormatter", reason: "44 MB of ICU → append to bytes"),
    BannedName("JSONSerialization", reason: "4 µs a record, loses int64 and NaN → Wire's own JSON"),
    BannedName("AsyncStream(", unless: "bufferingPolicy:", reason: "unbounded unless told → name a policy"),
    BannedName("AsyncStream<", unless: "bufferingPolicy:", reason: "unbounded unless told → name a policy"),
    BannedName("makeStream(", unless: "bufferingPolicy:", reason: "unbounded unless told → name a policy"),
    BannedName(
      "sqlite3_", .sources, exceptRooms: ["Store", "bench"], reason: "blocks the cooperative pool → Store"),
    BannedName(
      "sink.append(", .sources,
      exceptFiles: ["OTLPIntake.swift", "UDPDoor.swift", "DropDoor.swift", "ImportRoad.swift", "SelfTelemetry.swift"],
      reason: "one road in → admit"),
    BannedName("inflateInit", .sources, exceptRooms: ["Wire"], reason: "decompression bombs → Wire's gunzip"),
    BannedName("try!", reason: "a daemon does not die of input → throw"),
    BannedName("as! ", reason: "a daemon does not die of input → as?"),
    BannedName("fatalError(", reason: "a daemon does not die of input → throw, or precondition in a named helper"),
    BannedName("Task.detached", reason: "nothing detaches → a Service or a task group"),
    BannedName("Thread.sleep", reason: "blocks the cooperative pool → a clock that is passed in"),
    BannedName("Task.sleep", .tests, reason: "a test waits for an event, never for a time"),
    BannedName("usleep(", .tests, reason: "a test waits for an event, never for a time"),
    BannedName("nanosleep(", .tests, reason: "a test waits for an event, never for a time"),
  ]
}

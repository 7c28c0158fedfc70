import Glibc
import Store

/// Bytes on disk against the table that games write themselves, and how fast exports come back.
enum Transfer {
  static func run(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    for signal in ["traces", "logs", "metrics"] {
      _ = try Load(stage.place, daemon, "--signal \(signal) --records 150000")
    }
    try daemon.settle()
    daemon.stop()
    let rows = try share(stage, "garner load")
    for (format, name) in [("sqlite", "an exported .db"), ("otlp", "exported OTLP/JSON lines")] {
      let file = stage.place.folder + "/export." + format
      try command(stage, ["export", "--restricted", "--format", format, "--output", file])
      try takeBack(stage, file, "import of \(name)", rows)
      unlink(file)
    }
    stage.place.empty()
    let events = try JSONEvents.write(stage.place.folder + "/events.ndjson")
    try command(stage, ["import", events])
    let settling = try stage.daemon()
    try settling.settle()
    settling.stop()
    _ = try share(stage, "100-byte JSON events")
  }

  /// How many rows there are.
  private static func share(_ stage: Stage, _ what: String) throws(BenchFailure) -> Int64 {
    let own = stage.dataBytes
    let layout = stage.place.folder + "/layout.db"
    let rows: Int64
    do {
      rows = try SourceLayout.write(layout, of: stage.place.data)
    } catch {
      throw BenchFailure("\(error)")
    }
    guard rows > 0 else { throw BenchFailure("no rows to compare") }
    let other = Double(FileSystem.length(layout))
    unlink(layout)
    stage.add(
      "disk against the source layout, \(what)", "\(Text.number(own / other * 100, 0)) %", bar: "50 %", goal: "35 %",
      "\(Text.number(own / Double(rows), 0)) B/row against \(Text.number(other / Double(rows), 0))")
    return rows
  }

  /// Into an empty store, with nothing beside it.
  static func takeBack(
    _ stage: Stage, _ file: String, _ what: String, _ rows: Int64
  ) throws(BenchFailure) {
    let target = "\(file)-target"
    let start = Clock.now()
    let before = processor()
    try command(stage, ["import", file], data: target)
    let seconds = Clock.now() - start
    let cpu = processor() - before
    stage.add(
      what, "\(Text.thousands(Double(rows) / seconds)) rows/s", bar: "150 k", goal: "300 k",
      "\(Text.number(cpu * 1e6 / Double(rows), 2)) µs CPU a row")
  }

  static func command(
    _ stage: Stage, _ arguments: [String], data: String? = nil
  ) throws(BenchFailure) {
    let done = try Child(
      [stage.place.garner] + arguments + ["--data-dir", data ?? stage.place.data],
      environment: ["GARNER_RETENTION_MAX_BYTES": "-1"]
    ).finish()
    guard done.status == 0 else { throw BenchFailure("garner \(arguments[0]) ended with \(done.status)") }
  }

  /// Of all commands that have ended.
  private static func processor() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}

/// The rows of a store in the table `telemetry_events` with its seven indexes, and nothing else.
enum SourceLayout {
  static func write(_ path: String, of data: String) throws -> Int64 {
    var options = RowReader.Options()
    options.withEvents = true
    options.filter.includeRestricted = true
    let directory = DataDirectory(data)
    let layout = try DatabaseExport(path)
    let reader = RowReader(options) { () throws(SQLiteError) in try FileList.read(directory) }
    try reader.forEach { try layout.append($0) }
    let rows = layout.rows
    try layout.finish(DatabaseExport.Manifest(storeID: "layout", created: FileSystem.now()))
    return rows
  }
}

/// Rows as a game writes them: `data` of about a hundred bytes, some dozen events, sessions of a thousand rows.
enum JSONEvents {
  private static let events = [
    "relay.order.forward", "relay.tick.process", "relay.player.rtt_ms", "gui.click", "gui.open", "perf.frame",
    "match.score", "match.kill", "economy.trade", "tracking.listing", "audio.underrun", "net.resync",
  ]

  static func write(_ path: String, count: Int = 200_000) throws(BenchFailure) -> String {
    guard let file = fopen(path, "w") else { throw BenchFailure("\(path) cannot be written") }
    defer { fclose(file) }
    for number in 0..<count {
      let event = events[number % events.count]
      let second = number / 1_000
      let clock = "\(digits(second / 3600 % 24, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))"
      let line = """
        {"timestamp":"2026-01-05T\(clock).\(digits(number * 7_919 % 1_000_000, 6))Z",\
        "session_id":"match-\(number / 1_000)","component":"client","game_module":"ra1",\
        "mod_fingerprint":"a94a8fe5ccb19ba6","category":"\(event.prefix { $0 != "." })","event":"\(event)",\
        "severity":"info","data":{"player":"p\(number % 8)","x":\(number * 31 % 4_096).5,"y":\(number * 17 % 4_096).25,\
        "order":"move","target":\(number * 2_654_435_761 % 1_000_000),"queue_us":\(number * 97 % 5_000)},"tick":\(number)}

        """
      guard fputs(line, file) >= 0 else { throw BenchFailure("\(path) cannot be written") }
    }
    return path
  }

  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}

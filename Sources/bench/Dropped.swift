import Glibc

/// How fast files of lines are taken: by the command, and by the folder of a running daemon.
enum Dropped {
  private static let rows = 400_000

  static func run(_ stage: Stage) throws(BenchFailure) {
    let events = try JSONEvents.write(stage.place.folder + "/events.ndjson", count: rows)
    try Transfer.takeBack(stage, events, "import of event lines", Int64(rows))
    try drop(stage, events, "dropped event lines", rows)
    stage.place.empty()

    let spans = try requests(stage)
    try drop(stage, spans.file, "dropped OTLP/JSON lines", Int(spans.records))
  }

  /// Requests as another collector's file exporter writes them.
  private static func requests(_ stage: Stage) throws(BenchFailure) -> (file: String, records: Int64) {
    let source = stage.place.folder + "/source"
    let events = try JSONEvents.write(stage.place.folder + "/events.ndjson", count: rows)
    try Transfer.command(stage, ["import", events], data: source)
    unlink(events)
    let file = stage.place.folder + "/requests.jsonl"
    try Transfer.command(stage, ["export", "--format", "otlp", "--output", file], data: source)
    return (file, Int64(rows))
  }

  private static func drop(
    _ stage: Stage, _ file: String, _ what: String, _ rows: Int
  ) throws(BenchFailure) {
    let daemon = try stage.daemon()
    let name = String(file.split(separator: "/").last ?? "")
    let folder = stage.place.data + "/drop"
    let before = daemon.cpu()
    let start = Clock.now()
    guard rename(file, "\(folder)/in/\(name)") == 0 else { throw BenchFailure("\(file) cannot be moved") }
    var status = stat()
    while stat("\(folder)/done/\(name)", &status) != 0 {
      guard Clock.now() - start < 120, stat("\(folder)/rejected/\(name)", &status) != 0 else {
        throw BenchFailure("\(name) was not taken")
      }
      Clock.pause(0.01)
    }
    let seconds = Clock.now() - start
    try daemon.settle()
    let cpu = daemon.cpu() - before
    stage.add(
      what, "\(Text.thousands(Double(rows) / seconds)) rows/s", bar: "150 k", goal: "300 k",
      "\(Text.number(cpu * 1e6 / Double(rows), 2)) µs CPU a row, settling included")
    daemon.stop()
  }
}

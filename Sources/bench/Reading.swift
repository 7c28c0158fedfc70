import Store

/// Questions that people ask, in a process that already has the files open and from a fresh command.
enum Reading {
  static func million(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    _ = try Load(stage.place, daemon, "--signal traces --records 1000000")
    try daemon.settle()
    try trace(stage, "trace by id, 1 M rows")
    try ask(
      stage, "newest 100 of a category, 1 M rows",
      "SELECT * FROM telemetry_events WHERE category = 'match' ORDER BY timestamp DESC LIMIT 100", rows: 100,
      bar: "20 · 300 ms", goal: "5 · 100 ms")
    try ask(
      stage, "count by event, last hour, 1 M rows",
      "SELECT event, count(*) FROM telemetry_events WHERE timestamp >= ago('1 hour') GROUP BY event", rows: 5,
      bar: "20 · 300 ms", goal: "5 · 100 ms")
    daemon.stop()
  }

  /// One trace that is there.
  static func trace(_ stage: Stage, _ name: String) throws(BenchFailure) {
    var trace = ""
    let session = try self.session(stage)
    do throws(QueryError) {
      _ = try session.run("SELECT correlation FROM telemetry_events LIMIT 1") { row in
        trace = row.text(0)
        return true
      }
    } catch {
      throw BenchFailure(error.description)
    }
    try ask(
      stage, name, "SELECT * FROM telemetry_events WHERE correlation = '\(trace)'", rows: 1, bar: "20 · 300 ms",
      goal: "5 · 100 ms")
  }

  private static func session(_ stage: Stage) throws(BenchFailure) -> QuerySession {
    do {
      return try QuerySession(files: try FileList.read(DataDirectory(stage.place.data)))
    } catch {
      throw BenchFailure("\(error)")
    }
  }

  private static func ask(
    _ stage: Stage, _ name: String, _ sql: String, rows: Int, bar: String, goal: String
  ) throws(BenchFailure) {
    let session = try session(stage)
    var counted = 0
    let warm = try median { () throws(BenchFailure) in
      do throws(QueryError) {
        counted = try session.run(sql) { _ in true }.rows
      } catch {
        throw BenchFailure(error.description)
      }
    }
    let fresh = try median { () throws(BenchFailure) in
      let answer = try Child([stage.place.garner, "query", "--data-dir", stage.place.data, "--format", "csv", sql])
        .finish()
      if answer.status != 0 { throw BenchFailure("garner query ended with \(answer.status)") }
    }
    stage.add(
      name, "\(Text.number(warm, 2)) · \(Text.number(fresh)) ms", bar: bar, goal: goal,
      counted == rows ? "open files · fresh process" : "\(counted) rows instead of \(rows)!")
  }

  /// Milliseconds, of five.
  private static func median(_ work: () throws(BenchFailure) -> Void) throws(BenchFailure) -> Double {
    var times: [Double] = []
    for _ in 0..<5 {
      let start = Clock.now()
      try work()
      times.append((Clock.now() - start) * 1_000)
    }
    return times.sorted()[2]
  }
}

/// What a section has to work with.
struct Stage {
  let place: Workplace
  /// Length of one load.
  let seconds: Double
  let report: Report

  func daemon(_ environment: [String: String] = [:]) throws(BenchFailure) -> DaemonUnderTest {
    try DaemonUnderTest(place, environment: environment)
  }

  /// A load and the settling of all that it brought; the daemon's processor time covers both.
  func measure(_ daemon: DaemonUnderTest, _ arguments: String, seconds: Double? = nil) throws(BenchFailure) -> Load {
    let before = daemon.cpu()
    var load = try Load(place, daemon, "--seconds \(seconds ?? self.seconds) \(arguments)")
    try daemon.settle()
    load.cpu = (daemon.cpu() - before) * 1e6 / load.records
    return load
  }

  /// Caches filled, connections' code paths warm, the first landing files made.
  func warm(_ daemon: DaemonUnderTest, _ arguments: String) throws(BenchFailure) {
    _ = try Load(place, daemon, "--seconds \(min(1, seconds / 3)) \(arguments)")
    try daemon.settle()
  }

  var dataBytes: Double { Double(Workplace.usage(place.data + "/shards").bytes) }

  func add(_ what: String, _ measured: String, bar: String = "", goal: String = "", _ remark: String = "") {
    report.add(Report.Line(what, measured, bar: bar, goal: goal, remark))
  }
}

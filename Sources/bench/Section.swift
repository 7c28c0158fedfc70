import Glibc

/// Lines of the table that belong together, with a daemon and a folder of their own.
struct Section: Sendable {
  let name: String
  let run: @Sendable (Stage) throws(BenchFailure) -> Void

  init(_ name: String, _ run: @escaping @Sendable (Stage) throws(BenchFailure) -> Void) {
    self.name = name
    self.run = run
  }

  static let all: [Section] = [
    Section("spans", Intake.spans), Section("logs", Intake.logs), Section("metrics", Intake.metrics),
    Section("grpc", Intake.grpc), Section("json", Intake.json),
    Section("classes", Intake.classes), Section("fsync", Disk.slowly),
    Section("recovery", Disk.recovery), Section("files", Disk.manyFiles), Section("query", Reading.million),
    Section("transfer", Transfer.run), Section("udp", Datagrams.run), Section("drop", Dropped.run),
    Section("forward", Forwarded.run),
  ]
}

/// Rates, processor time, memory and bytes of the doors.
enum Intake {
  static func spans(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    Clock.pause(0.5)
    stage.add("memory, idle", "\(Text.number(daemon.memory().now, 0)) MB", bar: "40", goal: "25")
    let load = try signal(stage, daemon, "spans", "--signal traces", bar: ("250 k", "4.5"), goal: ("400 k", "3.2"))
    let half = try Load(
      stage.place, daemon, "--seconds \(stage.seconds) --signal traces --rate \(Int(load.rate / 2))")
    stage.add(
      "acknowledgement at half load", "p99 \(Text.number(half.p99)) · worst \(Text.number(half.worst)) ms",
      bar: "50 · 250", goal: "15 · 60", "\(Text.thousands(half.rate))/s, p50 \(Text.number(half.median))\(half.trouble)"
    )
    try daemon.settle()
    stage.add("memory, under load", "\(Text.number(daemon.memory().peak, 0)) MB", bar: "256", goal: "128", "peak RSS")
    daemon.stop()
    let floor = try InsertFloor.measure(stage)
    stage.add(
      "raw insert floor of these rows", "\(Text.thousands(floor.rate))/s", bar: "", goal: "",
      "\(Text.number(floor.cpu, 2)) µs/row, fsync every \(InsertFloor.rowsOfCommit) rows, no index, not settled")
    stage.add(
      "share of the raw insert floor", percent(load.rate, floor.rate), bar: "50 %", goal: "70 %", "generator beside it")
  }

  static func logs(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    _ = try signal(stage, daemon, "logs", "--signal logs", bar: ("400 k", "3.5"), goal: ("600 k", "2.5"))
    daemon.stop()
  }

  static func metrics(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    _ = try signal(
      stage, daemon, "points", "--signal metrics", bar: ("400 k", "3", "90"), goal: ("700 k", "2", "50"))
    daemon.stop()
  }

  static func json(_ stage: Stage) throws(BenchFailure) {
    for signal in ["traces", "logs"] {
      let daemon = try stage.daemon()
      try stage.warm(daemon, "--signal \(signal)")
      let protobuf = try stage.measure(daemon, "--signal \(signal)", seconds: stage.seconds / 2)
      let json = try stage.measure(daemon, "--signal \(signal) --encoding json", seconds: stage.seconds / 2)
      stage.add(
        "JSON against protobuf, \(signal)", percent(json.rate, protobuf.rate), bar: "60 %", goal: "80 %",
        "\(Text.thousands(json.rate))/s, \(Text.number(json.cpu, 2)) µs\(json.trouble)")
      daemon.stop()
      stage.place.empty()
    }
  }

  static func grpc(_ stage: Stage) throws(BenchFailure) {
    for signal in ["traces", "logs"] {
      let daemon = try stage.daemon()
      try stage.warm(daemon, "--signal \(signal)")
      let http = try stage.measure(daemon, "--signal \(signal)", seconds: stage.seconds / 2)
      let grpc = try stage.measure(daemon, "--signal \(signal) --protocol grpc", seconds: stage.seconds / 2)
      stage.add(
        "gRPC against HTTP, \(signal)", percent(grpc.rate, http.rate), bar: "75 %", goal: "",
        "\(Text.thousands(grpc.rate))/s, \(Text.number(grpc.cpu, 2)) µs against \(Text.number(http.cpu, 2)) µs"
          + grpc.trouble)
      daemon.stop()
      stage.place.empty()
    }
  }

  static func classes(_ stage: Stage) throws(BenchFailure) {
    var daemon = try stage.daemon()
    try stage.warm(daemon, "--signal traces")
    let single = try stage.measure(daemon, "--signal traces", seconds: stage.seconds / 2)
    daemon.stop()
    stage.place.empty()
    daemon = try stage.daemon()
    let spread = try stage.measure(daemon, "--signal traces --classes 4 --days 3", seconds: stage.seconds / 2)
    let files = Workplace.usage(stage.place.data + "/shards").files
    let bytes = stage.dataBytes
    stage.add(
      "4 classes × 3 days against one", percent(spread.rate, single.rate), bar: "70 %", goal: "90 %",
      "\(Text.thousands(spread.rate))/s, \(Text.number(spread.cpu, 2)) µs\(spread.trouble)")
    stage.add(
      "  settled into", "\(files) files", bar: "16 a landing file", goal: "",
      "\(Text.number(bytes / spread.records, 0)) B/span")
    daemon.stop()
  }

  /// The lines that every signal has: rate, processor time, bytes. `bar` and `goal`: rate, µs, bytes.
  private static func signal(
    _ stage: Stage, _ daemon: DaemonUnderTest, _ name: String, _ arguments: String, bar: (String, String, String),
    goal: (String, String, String)
  ) throws(BenchFailure) -> Load {
    try stage.warm(daemon, arguments)
    let before = stage.dataBytes
    let load = try stage.measure(daemon, arguments)
    stage.add(
      "\(name), protobuf", "\(Text.thousands(load.rate))/s", bar: bar.0, goal: goal.0, load.latency + load.trouble)
    stage.add(
      "  daemon CPU", "\(Text.number(load.cpu, 2)) µs", bar: bar.1, goal: goal.1, "settling included")
    stage.add(
      "  on disk, settled", "\(Text.number((stage.dataBytes - before) / load.records, 0)) B", bar: bar.2, goal: goal.2)
    stage.add("  peak RSS", "\(Text.number(daemon.memory().peak, 0)) MB", bar: "256", goal: "128")
    return load
  }

  private static func signal(
    _ stage: Stage, _ daemon: DaemonUnderTest, _ name: String, _ arguments: String, bar: (String, String),
    goal: (String, String)
  ) throws(BenchFailure) -> Load {
    try signal(stage, daemon, name, arguments, bar: (bar.0, bar.1, ""), goal: (goal.0, goal.1, ""))
  }

  private static func percent(_ part: Double, _ whole: Double) -> String { "\(Text.number(part / whole * 100, 0)) %" }
}

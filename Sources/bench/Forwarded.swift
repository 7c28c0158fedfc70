import Glibc

/// How fast a store leaves for a far end that takes everything at once, and how it catches up while more comes in.
enum Forwarded {
  private static let rows = 300_000
  /// Longest time that one far end may take, seconds.
  private static let patience = 300.0

  static func run(_ stage: Stage) throws(BenchFailure) {
    try fill(stage, "traces", rows)
    let traces = try baseline(stage)
    try send(stage, "OTLP/HTTP", "type: otlp", .http(status: 200), rows, traces, bar: ("100 k", "250 k"))
    try send(stage, "OTLP/HTTP without gzip", "type: otlp, compression: none", .http(status: 200), rows, traces)
    try send(stage, "OTLP/gRPC", "type: otlp, protocol: grpc", .grpc, rows, traces)
    stage.place.empty()

    try fill(stage, "metrics", rows)
    let metrics = try baseline(stage)
    try send(stage, "remote write 1.0", "type: prometheus, version: \"1\"", .http(status: 204), rows, metrics)
    stage.place.empty()

    try fill(stage, "logs", rows)
    let logs = try baseline(stage)
    try send(stage, "Loki", "type: loki", .http(status: 204), rows, logs)
    stage.place.empty()

    try catchUp(stage, Environment.value("BENCH_FULL") == "1" ? 5_000_000 : 1_000_000)
  }

  private static func fill(_ stage: Stage, _ signal: String, _ records: Int) throws(BenchFailure) {
    let daemon = try stage.daemon()
    _ = try Load(stage.place, daemon, "--signal \(signal) --records \(records)")
    try daemon.settle()
    daemon.stop()
  }

  /// Processor seconds of a start on this store, nothing forwarded.
  private static func baseline(_ stage: Stage) throws(BenchFailure) -> Double {
    let daemon = try stage.daemon()
    defer { daemon.stop() }
    return daemon.cpu()
  }

  /// `bar`: the bar and the goal in records a second.
  private static func send(
    _ stage: Stage, _ name: String, _ destination: String, _ form: FarStub.Form, _ records: Int, _ baseline: Double,
    bar: (String, String) = ("", "")
  ) throws(BenchFailure) {
    let stub = try FarStub(form)
    defer { stub.close() }
    // A name of its own each: a position that is new.
    let key = "far-\(stub.port)"
    let daemon = try start(stage, key, destination, stub)
    let (end, sent) = try wait(daemon, key, until: Clock.now() + patience)
    let cpu = (daemon.cpu() - baseline) * 1e6 / Double(records)
    stage.add(
      "forward, \(name)", "\(Text.thousands(sent / (end - stub.firstAt)))/s", bar: bar.0, goal: bar.1,
      "\(Text.number(cpu, 2)) µs CPU a record, \(stub.requests) requests of "
        + "\(Text.number(Double(stub.bytes) / Double(max(1, stub.requests)) / 1_024, 0)) KiB"
        + (sent < Double(records) ? "; only \(Int(sent)) of \(records)!" : ""))
    stage.add("  peak RSS", "\(Text.number(daemon.memory().peak, 0)) MB", bar: "256", goal: "128")
    daemon.stop()
  }

  private static func catchUp(_ stage: Stage, _ backlog: Int) throws(BenchFailure) {
    try fill(stage, "traces", backlog)
    let stub = try FarStub(.http(status: 200))
    defer { stub.close() }
    let daemon = try start(stage, "far", "type: otlp", stub)
    let load = try Child(
      Load.arguments(stage.place, daemon, ["--signal", "traces", "--rate", "20000", "--seconds", "\(Int(patience))"]))
    defer { kill(load.id, SIGKILL) }
    let end = Clock.now() + patience
    var sent = 0.0
    var lag = Double.infinity
    // A second's arrivals are no backlog.
    while lag > 20_000 {
      guard Clock.now() < end else { throw BenchFailure("it did not catch up, \(Int(lag)) rows are left") }
      Clock.pause(0.05)
      (sent, lag) = try figures(daemon, "far")
    }
    let seconds = Clock.now() - stub.firstAt
    stage.add(
      "catch-up of \(Text.thousands(Double(backlog))) spans, 20 k/s coming in", "\(Text.number(seconds, 1)) s", bar: "",
      goal: "", "\(Text.thousands(sent / seconds))/s sent")
    daemon.killNow()
  }

  private static func start(
    _ stage: Stage, _ key: String, _ destination: String, _ stub: FarStub
  ) throws(BenchFailure) -> DaemonUnderTest {
    let path = stage.place.folder + "/forward.yaml"
    let text = """
      destinations:
        \(key): {\(destination), endpoint: "http://127.0.0.1:\(stub.port)", start: oldest}

      """
    guard let file = fopen(path, "w"), fputs(text, file) >= 0, fclose(file) == 0 else {
      throw BenchFailure("\(path) cannot be written")
    }
    return try DaemonUnderTest(stage.place, config: path)
  }

  /// When nothing was left, and how many records had been taken.
  private static func wait(
    _ daemon: DaemonUnderTest, _ key: String, until end: Double
  ) throws(BenchFailure) -> (at: Double, sent: Double) {
    while true {
      let (sent, lag) = try figures(daemon, key)
      if lag == 0 && sent > 0 { return (Clock.now(), sent) }
      guard Clock.now() < end else { throw BenchFailure("\(Int(lag)) rows are left, \(Int(sent)) records were sent") }
      Clock.pause(0.02)
    }
  }

  /// Records that have arrived there, and those that are left.
  private static func figures(
    _ daemon: DaemonUnderTest, _ key: String
  ) throws(BenchFailure) -> (sent: Double, lag: Double) {
    let page = try PlainHTTP.exchange(address: daemon.console, "GET", "/metrics")
    let run = "{destination=\"\(key)\",kind=\"live\""
    var sent = 0.0
    for signal in ["traces", "metrics", "logs"] {
      sent += Text.value("garner_forward_sent_records_total\(run),signal=\"\(signal)\"}", in: page) ?? 0
    }
    guard let lag = Text.value("garner_forward_lag_records\(run)}", in: page) else {
      // A run that sends is there: then the page must have its figures.
      guard page.contains("garner_forward_state\(run)") else { return (sent, .infinity) }
      throw BenchFailure("/metrics has no garner_forward_lag_records")
    }
    return (sent, lag + (Text.value("garner_forward_waiting_records\(run)}", in: page) ?? 0))
  }
}

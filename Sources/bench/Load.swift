/// A run of `garner load` against a daemon, and what it said.
struct Load {
  var rate: Double
  var records: Double
  var median: Double
  var p99: Double
  var worst: Double
  var refused: Double
  var failed: Double

  /// Processor microseconds of the daemon a record, settling included.
  var cpu = 0.0

  static func arguments(_ place: Workplace, _ daemon: DaemonUnderTest, _ more: [String]) -> [String] {
    let address = more.contains("grpc") ? daemon.grpc : daemon.otlp
    return [place.garner, "load", "--url", "http://\(address)", "--format", "json"] + more
  }

  init(_ place: Workplace, _ daemon: DaemonUnderTest, _ more: String) throws(BenchFailure) {
    let words = more.split(separator: " ").map(String.init)
    let text = try Child(Self.arguments(place, daemon, words)).finish().output
    guard let rate = Text.value("records_per_s", in: text), let records = Text.value("records", in: text), records > 0
    else { throw BenchFailure("garner load \(more): \(text.prefix(200))") }
    self.rate = rate
    self.records = records
    median = Text.value("p50_ms", in: text) ?? 0
    p99 = Text.value("p99_ms", in: text) ?? 0
    worst = Text.value("max_ms", in: text) ?? 0
    refused = Text.value("refused", in: text) ?? 0
    failed = Text.value("failed", in: text) ?? 0
  }

  var latency: String { "p50 \(Text.number(median)), p99 \(Text.number(p99)), worst \(Text.number(worst)) ms" }
  /// Refusals in words; empty when there were none.
  var trouble: String { refused + failed > 0 ? "; \(Int(refused)) refused, \(Int(failed)) failed" : "" }
}

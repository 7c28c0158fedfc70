import Glibc

/// `garner serve` on a folder of its own, on ports that the system picked.
final class DaemonUnderTest {
  private let child: Child
  private let place: Workplace
  let otlp: String
  let grpc: String
  /// Empty: that door is closed.
  let udp: String
  let console: String
  /// Seconds from the start of the process until all doors were open.
  let startSeconds: Double

  /// `config`: path of a configuration file.
  init(
    _ place: Workplace, udp: String = "none", environment: [String: String] = [:], config: String? = nil
  ) throws(BenchFailure) {
    self.place = place
    var variables = ["GARNER_RETENTION_MAX_BYTES": "-1", "GARNER_LOG_LEVEL": "error"]
    variables.merge(environment) { $1 }
    let start = Clock.now()
    child = try Child(
      [
        place.garner, "serve", "--data-dir", place.data, "--otlp-http", "127.0.0.1:0", "--console", "127.0.0.1:0",
        "--otlp-grpc", "127.0.0.1:0", "--udp", udp,
      ] + (config.map { ["--config", $0] } ?? []), environment: variables)
    var addresses: [String: String] = [:]
    let doors = ["otlp_http", "otlp_grpc", "console"] + (udp == "none" ? [] : ["udp"])
    while !doors.allSatisfy({ addresses[$0] != nil }) {
      guard let line = child.line() else { throw BenchFailure("the daemon did not start") }
      let words = line.split(separator: " ")
      if words.count == 3, words[0] == "listening" { addresses[String(words[1])] = String(words[2]) }
    }
    startSeconds = Clock.now() - start
    otlp = addresses["otlp_http"] ?? ""
    grpc = addresses["otlp_grpc"] ?? ""
    self.udp = addresses["udp"] ?? ""
    console = addresses["console"] ?? ""
  }

  /// Processor seconds so far, user and system.
  func cpu() -> Double {
    // The name in parentheses may hold blanks; utime and stime are fields 14 and 15.
    guard let text = Text.file("/proc/\(child.id)/stat"), let end = text.lastIndex(of: ")") else { return 0 }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Megabytes of memory: the peak, and now.
  func memory() -> (peak: Double, now: Double) {
    let text = Text.file("/proc/\(child.id)/status") ?? ""
    func megabytes(_ name: String) -> Double {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
      return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Double($0) }.map { $0 / 1_024 } ?? 0
    }
    return (megabytes("VmHWM:"), megabytes("VmRSS:"))
  }

  /// Everything landed is settled when this returns.
  func settle() throws(BenchFailure) {
    let answer = try PlainHTTP.exchange(unix: place.data + "/control.sock", "POST", "/settle")
    guard answer.contains(" 200 ") else { throw BenchFailure("settle: \(answer.prefix(200))") }
    while try PlainHTTP.exchange(address: console, "GET", "/metrics").backlog > 0 { Clock.pause(0.02) }
  }

  /// True when it ended by itself with status 0.
  @discardableResult func stop() -> Bool {
    kill(child.id, SIGTERM)
    return child.wait() == 0
  }

  func killNow() {
    kill(child.id, SIGKILL)
    child.wait()
  }
}

extension String {
  /// Landing files that wait for settling, from the text of `/metrics`.
  fileprivate var backlog: Double { Text.value("garner_store_settling_backlog_files", in: self) ?? 0 }
}

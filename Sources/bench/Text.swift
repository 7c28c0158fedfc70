import Glibc

/// Output and numbers as text, without stdio's streams.
enum Text {
  static func line(_ text: String) { write(text + "\n", STDOUT_FILENO) }
  static func error(_ text: String) { write(text + "\n", STDERR_FILENO) }

  private static func write(_ text: String, _ file: Int32) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { Glibc.write(file, $0 + sent, raw.count - sent) } ?? 0
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// With `digits` digits behind the point.
  static func number(_ value: Double, _ digits: Int = 1) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    if digits == 0 { return "\(scaled)" }
    let fraction = String(abs(scaled) % Int64(scale))
    let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int64(scale)).\(zeros)\(fraction)"
  }

  /// Records a second in thousands.
  static func thousands(_ value: Double) -> String { number(value / 1_000, 0) + " k" }

  static func file(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The number behind `"name":` in JSON, or behind `name ` at a line's begin in Prometheus text.
  static func value(_ name: String, in text: String) -> Double? {
    for key in ["\"\(name)\":", "\n\(name) "] {
      guard let found = text.firstRange(of: key) else { continue }
      let digits = text[found.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == "-" || $0 == "e" || $0 == "+" }
      if let number = Double(digits) { return number }
    }
    return nil
  }
}

enum Environment {
  static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

enum Machine {
  static var description: String {
    let model = Text.file("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = model?.split(separator: ":").last?.drop { $0 == " " } ?? "unknown processor"
    return "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) × \(name); load average \(loadAverage)"
  }

  private static var loadAverage: Substring {
    Text.file("/proc/loadavg")?.split(separator: " ").first ?? "unknown"
  }
}

enum Clock {
  /// Seconds of a clock that only goes forward.
  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  static func pause(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }
}

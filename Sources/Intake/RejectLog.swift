import Glibc
import Synchronization
package import Telemetry
import Wire

/// `<data>/rejected/<yyyy-mm-dd>.ndjson`: what was refused, a line a record, for whoever has to find out why.
///
/// Each call is one `write(2)` to a file opened for appending, so lines of two calls never mix and a crash leaves whole
/// calls. A day's file stops growing at a limit; what comes after that is only counted. Days that are over are somebody
/// else's to remove.
package final class RejectLog: RejectSink {
  private struct Day {
    var number: Int64 = .min
    var file: Int32 = -1
  }

  private let directory: String
  private let limitBytes: @Sendable () -> Int
  // covers: the open file; take nothing inside.
  private let day = Mutex(Day())
  /// Lines that were not written: over the day's limit, or the file system failed.
  package let dropped = Counter()
  package let written = Counter()

  /// `directory` is made when the first line comes. `limitBytes`: of a day, asked each time; 64 MiB are some 200,000 spans.
  package init(directory: String, limitBytes: @escaping @Sendable () -> Int = { 64 << 20 }) {
    self.directory = directory
    self.limitBytes = limitBytes
  }

  deinit { day.withLock { if $0.file >= 0 { _ = close($0.file) } } }

  package func write(
    _ rejections: [Rejection], rest: [Rejection.Rest] = [], door: String, signal: Signal, at: Int64
  ) {
    var lines: [UInt8] = []
    for rejection in rejections {
      Self.begin(&lines, door, rejection.source, signal, at)
      lines += Array(",\"index\":\(rejection.index),\"path\":".utf8)
      lines.appendJSON(rejection.path)
      lines += Array(",\"reason\":\"\(rejection.reason.rawValue)\",\"rule\":null,\"record\":".utf8)
      lines += Array((rejection.record.isEmpty ? "null" : rejection.record).utf8)
      lines += Array("}\n".utf8)
    }
    for rest in rest {
      Self.begin(&lines, door, rest.source, signal, at)
      lines += Array(",\"reason\":\"\(rest.reason.rawValue)\",\"more\":\(rest.count)}\n".utf8)
    }
    append(lines, count: rejections.count + rest.count, at)
  }

  package func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64) {
    var line: [UInt8] = []
    Self.begin(&line, door, body.source, signal, at)
    line += Array(",\"reason\":".utf8)
    line.appendJSON(body.reason)
    line += Array(",\"hash\":\"\(body.hash)\",\"length\":\(body.lengthBytes),\"offset\":\(body.offset)}\n".utf8)
    append(line, count: 1, at)
  }

  private static func begin(_ lines: inout [UInt8], _ door: String, _ source: String?, _ signal: Signal, _ at: Int64) {
    lines += Array("{\"time\":\"\(Timestamp.text(at))\",\"door\":".utf8)
    lines.appendJSON(door)
    lines += Array(",\"source\":".utf8)
    if let source { lines.appendJSON(source) } else { lines += Array("null".utf8) }
    lines += Array(",\"signal\":\"\(signal.name)\"".utf8)
  }

  private func append(_ lines: [UInt8], count: Int, _ at: Int64) {
    guard !lines.isEmpty else { return }
    let done = day.withLock { day in
      guard let size = open(&day, Timestamp.day(at)) else { return 0 }
      // Of a call that is too long for what is left the first lines are better than none.
      let fitting = lines[..<max(0, min(lines.count, limitBytes() - size))]
      guard let end = fitting.lastIndex(of: UInt8(ascii: "\n")) else { return 0 }
      guard Glibc.write(day.file, lines, end + 1) == end + 1 else { return 0 }
      return end + 1 == lines.count ? count : fitting[...end].count { $0 == UInt8(ascii: "\n") }
    }
    written.add(done)
    dropped.add(count - done)
  }

  /// Its length; nil: it cannot be opened. One that was removed meanwhile is made again.
  private func open(_ day: inout Day, _ number: Int64) -> Int? {
    if day.number == number, let size = Self.size(day.file) { return size }
    if day.file >= 0 { _ = close(day.file) }
    _ = mkdir(directory, 0o700)
    let path = "\(directory)/\(Timestamp.text(day: number)).ndjson"
    day.number = number
    day.file = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    return Self.size(day.file)
  }

  private static func size(_ file: Int32) -> Int? {
    var status = stat()
    return file >= 0 && fstat(file, &status) == 0 && status.st_nlink > 0 ? Int(status.st_size) : nil
  }
}

import Glibc
package import Logging
import Synchronization
import Telemetry

/// The level below which nothing is written; may change while loggers are in use.
package final class LogThreshold: Sendable {
  private let index: Atomic<Int>

  package init(_ level: Logger.Level) { index = Atomic(Self.index(level)) }

  package var level: Logger.Level {
    get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
    set { index.store(Self.index(newValue), ordering: .relaxed) }
  }

  private static func index(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// One line a record to standard error: text for people, JSON elsewhere (REQUIREMENTS 5.10). A line is one `write(2)`.
package struct LineLogHandler: LogHandler {
  package enum Format: Sendable { case text, json }

  /// The threshold's, until a logger gets a level of its own.
  package var logLevel: Logger.Level {
    get { own ?? threshold.level }
    set { own = newValue }
  }
  package var metadata: Logger.Metadata = [:]
  private let label: String
  private let format: Format
  private let threshold: LogThreshold
  private var own: Logger.Level?

  package init(label: String, threshold: LogThreshold, format: Format) {
    self.label = label
    self.threshold = threshold
    self.format = format
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let stamp = Timestamp.text(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    var line: String
    switch format {
    case .text:
      line = "\(stamp) \(event.level.rawValue) \(label): \(event.message)"
      for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
    case .json:
      line =
        "{\"timestamp\":\"\(stamp)\",\"level\":\"\(event.level.rawValue)\",\"component\":\(JSONText.quoted(label)),"
      line += "\"message\":\(JSONText.quoted("\(event.message)"))"
      for (key, value) in all.sorted(by: { $0.key < $1.key }) {
        line += ",\(JSONText.quoted(key)):\(JSONText.quoted("\(value)"))"
      }
      line += "}"
    }
    line += "\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  }
}

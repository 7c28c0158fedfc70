/// An OpenTelemetry signal, as named by its OTLP path (`/v1/traces`, …).
package enum Signal: UInt8, Sendable, CaseIterable {
  case traces = 0
  case metrics = 1
  case logs = 2

  package var name: String {
    switch self {
    case .traces: "traces"
    case .metrics: "metrics"
    case .logs: "logs"
    }
  }
}

/// What a stored row is. The raw value is the column `kind` on disk: never renumber.
package enum RowKind: UInt8, Sendable {
  case span = 0
  case log = 1
  /// A gauge or sum point: its number is in `value`.
  case number = 2
  /// A histogram, exponential histogram or summary point: its numbers are JSON in `data` and `ext`.
  case distribution = 3
  /// A span event: a row, not a record. Lies directly behind its span, in id order.
  case spanEvent = 4

  package var isPoint: Bool { self == .number || self == .distribution }
  package var isRecord: Bool { self != .spanEvent }

  package var signal: Signal {
    switch self {
    case .span, .spanEvent: .traces
    case .log: .logs
    case .number, .distribution: .metrics
    }
  }
}

/// The five levels of the column `severity` (R63); OTLP's 24 numbers are kept beside them.
package enum Severity: UInt8, Sendable, CaseIterable, Comparable {
  case trace = 0
  case debug = 1
  case info = 2
  case warn = 3
  case error = 4

  package var name: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .warn: "warn"
    case .error: "error"
    }
  }

  package static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }

  /// OTLP severity numbers come in groups of four; FATAL (21–24) is `error`. 0 and unknown numbers have no level.
  package init?(number: Int64) {
    switch number {
    case 1...4: self = .trace
    case 5...8: self = .debug
    case 9...12: self = .info
    case 13...16: self = .warn
    case 17...24: self = .error
    default: return nil
    }
  }
}

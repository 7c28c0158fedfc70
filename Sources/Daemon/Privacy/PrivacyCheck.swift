import Glibc
import Intake
package import Store
import Telemetry
import Wire

/// A dry run of a privacy policy over the newest rows of a store: what it would find in them, and where.
package struct PrivacyCheck {
  /// One line of the answer; never a value.
  package struct Finding: Sendable, Equatable {
    /// `ip`, as in the metric.
    package var rule: String
    /// A column or dictionary, inside JSON with the key: `data.peer.address`.
    package var place: String
    package var count: Int
  }

  package struct Answer: Sendable {
    package var findings: [Finding] = []
    package var records = 0
    package var warnings: [String] = []
  }

  private let protector: Protector
  private let last: Int64
  private let files: () throws(SQLiteError) -> [DataFile]
  private var counts: [String: [String: Int]] = [:]

  /// Pseudonyms that rows have already are no finding; no key is needed for what is only counted.
  package init(_ config: GarnerConfig, last: Int, files: @escaping () throws(SQLiteError) -> [DataFile]) {
    protector = Protector(config.privacyPolicy, keys: PseudonymKeys(key: [UInt8](repeating: 0, count: 32)))
    self.last = Int64(last)
    self.files = files
  }

  package mutating func run() throws -> Answer {
    var answer = Answer()
    var options = RowReader.Options()
    options.filter.includeRestricted = true
    let first = try newestID(options) - last
    let list = files
    let reader = RowReader(options) { () throws(SQLiteError) in
      try list().filter { $0.isLanding || $0.lastID > first }
    }
    let encoders = Signal.allCases.map { Line($0) }
    try reader.forEach { row in
      guard row.id > first, let record = OTLPRecord(row, withOrigin: false) else { return }
      if record.kind != .spanEvent { answer.records += 1 }
      let index = Int(record.kind.signal.rawValue)
      if let bytes = encoders[index].add(record, &answer.warnings) { inspect(bytes, record.kind.signal) }
    }
    for signal in Signal.allCases {
      if let bytes = encoders[Int(signal.rawValue)].finish() { inspect(bytes, signal) }
    }
    answer.warnings += reader.warnings
    for rule in PrivacyRule.allCases {
      for (place, count) in (counts[rule.rawValue] ?? [:]).sorted(by: { $0.key < $1.key }) {
        answer.findings.append(Finding(rule: rule.rawValue, place: place, count: count))
      }
    }
    return answer
  }

  /// Settled files know their last id, landing files have to be read.
  private func newestID(_ options: RowReader.Options) throws -> Int64 {
    var newest = try files().filter { !$0.isLanding }.map(\.lastID).max() ?? 0
    let list = files
    let reader = RowReader(options) { () throws(SQLiteError) in try list().filter(\.isLanding) }
    try reader.forEach { newest = max(newest, $0.id) }
    return newest
  }

  private mutating func inspect(_ line: [UInt8], _ signal: Signal) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let options = DecodeOptions(now: Int64(now.tv_sec) * 1_000_000_000)
    guard let batch = try? line.withUnsafeBytes({ try OTLPDecoder.decodeJSON(signal, $0, options: options) }) else {
      return
    }
    var found: [(PrivacyRule, String)] = []
    protector.inspect(batch, sender: PrivacySender(trusted: true)) { found.append(($0, $1)) }
    for (rule, place) in found { counts[rule.rawValue, default: [:]][place, default: 0] += 1 }
  }
}

/// Records of one signal until a line is full. A class: encoders cannot be copied, and arrays hold only what can.
private final class Line {
  private var encoder: OTLPJSONEncoder

  init(_ signal: Signal) { encoder = OTLPJSONEncoder(signal) }

  /// The line before, when the record did not fit on it.
  func add(_ record: OTLPRecord, _ warnings: inout [String]) -> [UInt8]? {
    let full = encoder.fits(record) ? nil : encoder.finish(store: nil)
    do throws(OTLPEncodingError) {
      try encoder.append(record)
    } catch {
      warnings.append("\(error); it was left out")
    }
    return full
  }

  func finish() -> [UInt8]? { encoder.finish(store: nil) }
}

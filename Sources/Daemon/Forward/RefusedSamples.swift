import Forward
import Telemetry
import Wire

/// A record that was refused, for a person who wants to know what it was; of one that is gone only the id is left.
struct RefusedSample: Encodable {
  var id: Int64
  var time: String?
  var signal: String?
  var event: String?
  /// The beginning of its data as JSON.
  var data: String?

  /// Bytes of `data`, so that twenty take about 4 KiB with all that is around it.
  private static let dataLimit = 120
  /// Rows that are read to get from one to the next before the files are opened anew.
  private static let reach: Int64 = 2_000

  /// In the order of `ids`. Blocks.
  static func read(_ ids: [Int64], from source: StoreRecords, includeRestricted: Bool) -> [RefusedSample] {
    var found: [Int64: RefusedSample] = [:]
    var left = ids.sorted()[...]
    while let first = left.first {
      let question = RecordQuestion(
        after: first - 1, signals: Set(Signal.allCases), includeRestricted: includeRestricted)
      guard let reader = try? source.open(question) else { break }
      var isNear = true
      while isNear {
        let more = try? reader.read { record in
          guard record.kind.isRecord else { return true }
          while let next = left.first, next < record.id { left.removeFirst() }
          if record.id == left.first {
            found[record.id] = RefusedSample(record)
            left.removeFirst()
          }
          isNear = left.first.map { $0 - record.id <= reach } ?? false
          return isNear
        }
        guard more == true else { break }
      }
      // It is not there, or cannot be read.
      if left.first == first { left.removeFirst() }
    }
    return ids.map { found[$0] ?? RefusedSample(id: $0) }
  }

  private init(id: Int64) { self.id = id }

  private init(_ record: OTLPRecord) {
    id = record.id
    time = Timestamp.text(record.time)
    signal = record.kind.signal.name
    let name = record.kind.signal == .metrics ? record.metric.name : record.event
    event = String(decoding: name, as: UTF8.self)
    let attributes = record.kind == .number ? record.seriesAttributes : record.data
    var cut = attributes.prefix(Self.dataLimit)
    // Not in the middle of a letter.
    if cut.count < attributes.count {
      while let last = cut.last, last & 0xc0 == 0x80 { cut = cut.dropLast() }
      if let last = cut.last, last >= 0xc0 { cut = cut.dropLast() }
    }
    data = String(decoding: cut, as: UTF8.self) + (cut.count < attributes.count ? "…" : "")
  }

  private enum CodingKeys: String, CodingKey { case id, time, signal, event, data }

  /// Every key is there.
  func encode(to encoder: any Encoder) throws {
    var sample = encoder.container(keyedBy: CodingKeys.self)
    try sample.encode(id, forKey: .id)
    try sample.encode(time, forKey: .time)
    try sample.encode(signal, forKey: .signal)
    try sample.encode(event, forKey: .event)
    try sample.encode(data, forKey: .data)
  }
}

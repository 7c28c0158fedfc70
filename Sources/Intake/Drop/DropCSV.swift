import Telemetry
import Wire

/// The records of a CSV (RFC 4180), whose first names columns of `telemetry_events`.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DropCSV: DropSource, @unchecked Sendable {
  static let recordLimitBytes = 64 << 20

  let format = "csv"
  let hasLines = true
  let head: [UInt8]
  private let content: DropContent
  private let table: EventCSV
  private let source: String
  private var buffer: [UInt8] = []
  private var position = DropPosition()
  private var isAtEnd = false
  private var fault: DropFault?

  /// Throws when the header has a column that is unknown or lacks one that must be there.
  init(_ content: DropContent, _ source: String) throws(DropFault) {
    let beginning = content.head(1 << 16)
    guard let end = Self.header(beginning), let table = Self.table(Array(beginning[..<end])) else {
      throw DropFault(.unknownColumn, at: 0)
    }
    self.content = content
    self.source = source
    self.table = table
    var header = Array(beginning[..<end])
    if header.last != 0x0a { header.append(0x0a) }
    head = header
  }

  /// Whether a text that begins so is one: its first record names the event and a time.
  static func begins(_ head: [UInt8]) -> Bool {
    guard let end = header(head), let fields = fields(Array(head[..<end])) else { return false }
    return EventCSV.isHeader(fields)
  }

  private static func header(_ head: [UInt8]) -> Int? {
    guard !head.isEmpty, !head.contains(0) else { return nil }
    return head.withUnsafeBytes { CSVText.end($0, from: 0) ?? $0.count }
  }

  private static func fields(_ record: [UInt8]) -> [CSVText.Field]? {
    record.withUnsafeBytes { try? CSVText.fields($0) }
  }

  private static func table(_ header: [UInt8]) -> EventCSV? {
    fields(header).flatMap { try? EventCSV(header: $0) }
  }

  func skip(to position: DropPosition) throws(DropFault) {
    if position.offset == 0 { return }
    try content.skip(to: position.offset)
    self.position = position
  }

  func next() throws(DropFault) -> (any DropPiece)? {
    while true {
      if let piece = piece() { return piece }
      if isAtEnd {
        if let fault { throw fault }
        return nil
      }
      if buffer.count > Self.recordLimitBytes { throw DropFault(.tooBig, at: position.offset) }
      fill()
    }
  }

  private func fill() {
    let old = buffer.count
    // As much again as there is, counted so that a resumed file is cut in the same places.
    var target = DropLines.pieceBytes
    while target <= old { target *= 2 }
    let size = target - old
    let read = content.append(size, to: &buffer)
    isAtEnd = isAtEnd || read.isAtEnd
    fault = fault ?? read.fault
  }

  /// All whole records of the buffer; nil: there is none, or the buffer could hold more.
  private func piece() -> DropCSVPiece? {
    guard isAtEnd || buffer.count >= DropLines.pieceBytes, !buffer.isEmpty else { return nil }
    var records: [Range<Int>] = []
    var at = 0
    let isAtEnd = isAtEnd
    buffer.withUnsafeBytes { bytes in
      while at < bytes.count {
        guard let end = CSVText.end(bytes, from: at) ?? (isAtEnd ? bytes.count : nil) else { break }
        records.append(at..<end)
        at = end
      }
    }
    guard at > 0 else { return nil }
    let isWhole = fault == nil || buffer.last == 0x0a || at < buffer.count
    let piece = DropCSVPiece(
      bytes: Array(buffer[..<at]), records: records, start: position, table: table, source: source,
      isFirst: position.offset == 0, isCut: !isWhole)
    buffer.removeFirst(at)
    position = piece.end
    return piece
  }
}

struct DropCSVPiece: DropPiece {
  let bytes: [UInt8]
  let records: [Range<Int>]
  let start: DropPosition
  let table: EventCSV
  let source: String
  /// The first record is the header.
  let isFirst: Bool
  let isCut: Bool

  var end: DropPosition {
    DropPosition(
      offset: start.offset + Int64(bytes.count), line: start.line + bytes.count { $0 == 0x0a })
  }

  func decode(_ options: DecodeOptions) -> [DropLoad] {
    var decoder = EventDecoder(options: options, isEscaped: false, expectedBytes: bytes.count)
    var line = start.line + 1
    // Records that are too much of something are refused by the decoder, which counts them.
    var tooMuch = DropLoad(batch: Batch.refused([], [:], .logs))
    var unreadable = tooMuch
    for (index, range) in records.enumerated() {
      defer { line += bytes[range].count { $0 == 0x0a } }
      if index == 0 && isFirst || bytes[range].allSatisfy({ $0 <= 0x20 }) { continue }
      if let row = row(range) {
        guard let reason = decoder.append(row, path: "line \(line)") else { continue }
        refuse(range, line, reason.rawValue, in: &tooMuch)
      } else {
        let isLast = isCut && index == records.count - 1
        let reason = isLast ? DropFault.Reason.truncated.rawValue : Rejection.Reason.badCSV.rawValue
        refuse(range, line, reason, in: &unreadable)
      }
    }
    tooMuch.batch = decoder.finish()
    if unreadable.refusals.isEmpty { return [tooMuch] }
    let rejections = unreadable.refusals.prefix(Rejection.limitPerBatch).enumerated().map { index, refusal in
      Rejection(reason: .badCSV, index: index, path: "line \(refusal.line)", source: source, record: "")
    }
    let tally = Rejection.Tally(source: source, reason: .badCSV)
    unreadable.batch = Batch.refused(rejections, [tally: unreadable.refusals.count], .logs)
    return [tooMuch, unreadable]
  }

  private func refuse(_ range: Range<Int>, _ line: Int, _ reason: String, in load: inout DropLoad) {
    load.refusals.append(
      DropRefusal(
        line: line, record: 0, offset: start.offset + Int64(range.lowerBound), path: "", reason: reason))
    load.refusedText += bytes[range]
    if load.refusedText.last != 0x0a { load.refusedText.append(0x0a) }
  }

  private func row(_ range: Range<Int>) -> EventRow? {
    bytes.withUnsafeBytes { bytes in
      let record = UnsafeRawBufferPointer(rebasing: bytes[range])
      guard let fields = try? CSVText.fields(record) else { return nil }
      return try? table.row(fields)
    }
  }
}

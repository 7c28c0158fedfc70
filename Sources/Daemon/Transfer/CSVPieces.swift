import Store
import Telemetry
import Wire

/// The records of a CSV, some at a time, in constant memory.
final class CSVPieces: ImportPieces {
  private static let recordLimit = 1_000
  private static let byteLimit = 256 << 10

  private let file: ImportFile
  private let table: EventCSV
  private var buffer: [UInt8] = []
  private var start = 0
  private var line = 1
  private var isAtEnd = false

  /// Throws `ImportError` when the header is not one of ours.
  init(_ file: ImportFile) throws {
    self.file = file
    var header: EventCSV?
    do throws(DecodeError) {
      header = try Self.header(try? file.head(1 << 16))
    } catch {
      throw ImportError(file.path, error.message)
    }
    guard let header else { throw ImportError(file.path, "CSV: the header cannot be read") }
    table = header
    _ = try record()
  }

  /// Whether a text that begins so is such a CSV.
  static func begins(_ head: [UInt8]) -> Bool {
    guard let first = fields(head) else { return false }
    return EventCSV.isHeader(first)
  }

  private static func header(_ head: [UInt8]?) throws(DecodeError) -> EventCSV? {
    guard let head, let first = fields(head) else { return nil }
    return try EventCSV(header: first)
  }

  private static func fields(_ head: [UInt8]) -> [CSVText.Field]? {
    head.withUnsafeBytes { bytes in
      let end = CSVText.end(bytes, from: 0) ?? bytes.count
      return try? CSVText.fields(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    }
  }

  var fraction: Double { file.fraction }

  func next() throws -> (any ImportPiece)? {
    var piece = CSVPiece(path: file.path, table: table)
    while piece.count < Self.recordLimit, piece.byteCount < Self.byteLimit, let (range, line) = try record() {
      if !buffer[range].allSatisfy({ $0 <= 0x20 }) { piece.append(buffer[range], line) }
    }
    return piece.count == 0 ? nil : piece
  }

  /// The next record in the buffer, and the line that it begins in.
  private func record() throws -> (Range<Int>, line: Int)? {
    while true {
      let end = buffer.withUnsafeBytes { CSVText.end($0, from: start) } ?? (isAtEnd ? buffer.count : nil)
      if let end {
        if end == start { return nil }
        let found = (start..<end, line)
        line += buffer[start..<end].reduce(0) { $0 + ($1 == 0x0a ? 1 : 0) }
        start = end
        return found
      }
      guard buffer.count - start <= Import.lineLimitBytes else {
        throw ImportError(file.path, "line \(line): a record of more than 64 MiB; is a quote not closed?")
      }
      try fill()
    }
  }

  private func fill() throws {
    buffer.removeFirst(start)
    start = 0
    // As much again as there is: a long record is not searched over and over.
    let old = buffer.count
    let size = max(1 << 18, old)
    buffer.append(contentsOf: repeatElement(0, count: size))
    var count = 0
    defer { buffer.removeLast(size - count) }
    while count < size {
      let more = try buffer.withUnsafeMutableBytes {
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[(old + count)...]))
      }
      count += more
      isAtEnd = more == 0
      if isAtEnd { break }
    }
  }
}

struct CSVPiece: ImportPiece {
  let path: String
  let table: EventCSV
  private var bytes: [UInt8] = []
  private var records: [(end: Int, line: Int)] = []

  init(path: String, table: EventCSV) {
    self.path = path
    self.table = table
  }

  var count: Int { records.count }
  var byteCount: Int { bytes.count + count * 64 }

  mutating func append(_ record: ArraySlice<UInt8>, _ line: Int) {
    bytes.append(contentsOf: record)
    records.append((bytes.count, line))
  }

  func decode(_ options: DecodeOptions) -> ImportDecoded {
    var decoded = ImportDecoded()
    var decoder = EventDecoder(
      options: options, isEscaped: table.isExport, isOurs: false, expectedBytes: bytes.count)
    var start = 0
    for record in records {
      switch row(start..<record.end) {
      case .success(let row): decoder.append(row, path: "line \(record.line)")
      case .failure(let error): decoded.problems.append("\(path):\(record.line): \(error.message)")
      }
      start = record.end
    }
    let batch = decoder.finish()
    let identity = ImportLoad.Identity.place(
      total: batch.recordCount + batch.rejectedCount, accepted: batch.accepted)
    decoded.loads.append(ImportLoad(batch: batch, identity: identity))
    return decoded
  }

  private func row(_ range: Range<Int>) -> Result<EventRow, DecodeError> {
    bytes.withUnsafeBytes { bytes in
      let record = UnsafeRawBufferPointer(rebasing: bytes[range])
      let fields: [CSVText.Field]
      do throws(CSVText.Fault) {
        fields = try CSVText.fields(record)
      } catch {
        return .failure(DecodeError(.malformed, "CSV: \(error.reason)", at: error.offset))
      }
      do throws(DecodeError) { return .success(try table.row(fields)) } catch { return .failure(error) }
    }
  }
}

import Store
import Telemetry
import Wire

/// The lines of a text, some at a time. A text whose first line is nothing may be one request over many lines.
final class LinePieces: ImportPieces {
  private static let lineLimit = 1_000
  private static let byteLimit = 256 << 10

  private let file: ImportFile
  private let reader: LineReader
  private let options: DecodeOptions
  private var isFirst = true
  private var isEnded = false
  private var isArray = false

  init(_ file: ImportFile, _ options: DecodeOptions) {
    self.file = file
    self.options = options
    reader = LineReader(file, limit: Import.lineLimitBytes)
  }

  var fraction: Double { file.fraction }

  func next() throws -> (any ImportPiece)? {
    if isEnded { return nil }
    if isFirst, let array = try array() { return array }
    var piece = LinePiece(path: file.path, isArray: isArray)
    while piece.lines.count < Self.lineLimit, piece.byteCount < Self.byteLimit, let line = try reader.next() {
      if line.bytes.allSatisfy({ $0 <= 0x20 }) && !line.isTooLong { continue }
      if isArray {
        if let row = Self.element(line) { piece.append(row) }
        continue
      }
      piece.append(line)
      guard isFirst else { continue }
      isFirst = false
      if line.number == 1, case .failure = LinePiece.parse(line, options), let whole = try whole() {
        isEnded = true
        return whole
      }
    }
    return piece.lines.isEmpty ? nil : piece
  }

  // MARK: arrays

  /// A file that is a JSON array: nil when it is none, or one that has an element a line, as our exports have, and so is read
  /// like any other file of lines. Else it is taken whole or not at all.
  private func array() throws -> LinePiece? {
    let head = try file.head(1 << 16)
    guard head.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") else { return nil }
    let lines = head.split(separator: 0x0a, omittingEmptySubsequences: true)
      .filter { line in line.contains { $0 > 0x20 } }
    if lines.count >= 2, lines[0].allSatisfy({ $0 <= 0x20 || $0 == UInt8(ascii: "[") }),
      Self.isElement(lines[1], isCut: lines.count == 2)
    {
      isArray = true
      isFirst = false
      return nil
    }
    guard let bytes = try file.whole(limit: Import.lineLimitBytes) else {
      throw ImportError(file.path, "a JSON array of more than 64 MiB must have an element a line")
    }
    var piece = LinePiece(path: file.path, isArray: true)
    do throws(DecodeError) {
      let elements = try bytes.span.bytes.withUnsafeBytes { (array) throws(DecodeError) in
        try EventRow.elements(array)
      }
      for (index, element) in elements.enumerated() {
        piece.append(
          LineReader.Line(number: index + 1, offset: 0, bytes: element, isTooLong: false, isUnfinished: false))
      }
    } catch {
      throw ImportError(file.path, "byte \(error.offset): \(error.message)")
    }
    isFirst = false
    isEnded = true
    return piece
  }

  /// `isCut`: the rest of the line was not read.
  private static func isElement(_ line: ArraySlice<UInt8>, isCut: Bool) -> Bool {
    let row = LineReader.Line(number: 2, offset: 0, bytes: Array(line), isTooLong: false, isUnfinished: false)
    guard let element = element(row) else { return true }
    if isCut { return element.bytes.count > 1 }
    return element.bytes.withUnsafeBytes { bytes in (try? OTLPLine(bytes)) != nil || (try? EventRow.read(bytes)) != nil
    }
  }

  /// A line of an array without blanks and the comma behind it; nil for its brackets.
  private static func element(_ line: LineReader.Line) -> LineReader.Line? {
    var bytes = line.bytes[...]
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    if bytes.elementsEqual([UInt8(ascii: "[")]) || bytes.elementsEqual([UInt8(ascii: "]")]) { return nil }
    var row = line
    row.bytes = Array(bytes)
    return row
  }

  // MARK: lines

  /// All of the file as one line; nil when that is nothing either.
  private func whole() throws -> LinePiece? {
    let other = try ImportFile(file.path)
    guard let bytes = try other.whole(limit: Import.lineLimitBytes) else { return nil }
    let line = LineReader.Line(number: 1, offset: 0, bytes: bytes, isTooLong: false, isUnfinished: false)
    guard case .success = LinePiece.parse(line, options) else { return nil }
    var piece = LinePiece(path: file.path)
    piece.append(line)
    return piece
  }
}

struct LinePiece: ImportPiece {
  /// What one line is.
  enum Parsed {
    case batches([Batch], OTLPLine)
    case row(EventRow.Line)
    /// An event or an envelope, as they come over UDP.
    case event
  }

  /// Rows of one kind that wait to become a batch: ours have a store and an id.
  private struct Rows {
    var lines: [EventRow.Line] = []
    var areOurs = true
  }

  let path: String
  private(set) var lines: [LineReader.Line] = []
  private(set) var byteCount = 0

  /// Elements of an array, as an export in JSON is: `data` is written as `docs/schema.md` says.
  private let isArray: Bool

  init(path: String, isArray: Bool = false) {
    self.path = path
    self.isArray = isArray
  }

  mutating func append(_ line: LineReader.Line) {
    lines.append(line)
    byteCount += line.bytes.count + 64
  }

  func decode(_ options: DecodeOptions) -> ImportDecoded {
    var decoded = ImportDecoded()
    var rows = Rows()
    var events: [LineReader.Line] = []
    for line in lines {
      switch Self.parse(line, options) {
      case .success(.batches(let batches, let head)):
        finish(&rows, options, &decoded)
        for batch in batches { decoded.loads.append(Self.load(batch, head, isOnly: batches.count == 1)) }
      case .success(.row(let row)):
        let isOurs = row.store != nil && row.id != nil
        if isOurs != rows.areOurs { finish(&rows, options, &decoded) }
        rows.areOurs = isOurs
        rows.lines.append(row)
      case .success(.event): events.append(line)
      case .failure(let error):
        let why = line.isUnfinished ? "the last line is not finished; \(error.message)" : error.message
        decoded.problems.append("\(path):\(line.number) (byte \(line.offset + Int64(error.offset))): \(why)")
      }
    }
    finish(&rows, options, &decoded)
    if !events.isEmpty { decoded.loads.append(Self.load(events, options)) }
    return decoded
  }

  /// As the drop folder takes them.
  private static func load(_ events: [LineReader.Line], _ options: DecodeOptions) -> ImportLoad {
    let defaults = EventLineDefaults(
      source: options.credential, component: options.component, session: options.anonymousSession)
    var decoder = DatagramBatch(options: options)
    for line in events {
      line.bytes.withUnsafeBytes {
        _ = decoder.append(line: $0, defaults, arrival: options.now, path: "line \(line.number)")
      }
    }
    let batch = decoder.finish()
    return ImportLoad(
      batch: batch, identity: .place(total: batch.recordCount + batch.rejectedCount, accepted: batch.accepted))
  }

  static func parse(_ line: LineReader.Line, _ options: DecodeOptions) -> Result<Parsed, DecodeError> {
    if line.isTooLong { return .failure(DecodeError(.outOfRange, "the line is longer than 64 MiB", at: 0)) }
    return line.bytes.withUnsafeBytes { bytes in
      do throws(DecodeError) {
        let head = try OTLPLine(bytes)
        if !head.signals.isEmpty { return .success(.batches(try head.decode(bytes, options), head)) }
        if let request = try RejectedLine.request(line.bytes) { return .success(try again(request, options)) }
        let row = try EventRow.read(bytes)
        // What no column has belongs to the data, as in the drop folder.
        if let row, row.store != nil && row.id != nil || !row.hasOthers && row.row.time != nil {
          return .success(.row(row))
        }
        guard DatagramEnvelope.isEvent(bytes) else {
          throw DecodeError(.malformed, "this is neither an OTLP request nor a row nor an event", at: 0)
        }
        return .success(.event)
      } catch {
        return .failure(error)
      }
    }
  }

  private static func again(_ request: RejectedLine.Request, _ options: DecodeOptions) throws(DecodeError) -> Parsed {
    var options = options
    if options.credential.isEmpty { options.credential = request.source }
    let parsed = request.json.withUnsafeBytes { bytes -> Result<Parsed, DecodeError> in
      do throws(DecodeError) {
        let head = try OTLPLine(bytes)
        return .success(.batches(try head.decode(bytes, options), head))
      } catch { return .failure(error) }
    }
    return try parsed.get()
  }

  private static func load(_ batch: Batch, _ head: OTLPLine, isOnly: Bool) -> ImportLoad {
    let total = batch.recordCount + batch.rejectedCount
    guard let accepted = batch.accepted else {
      return ImportLoad(batch: batch, identity: .place(total: total, accepted: nil))
    }
    guard isOnly, let store = head.store, let ids = head.recordIDs(count: total) else {
      return ImportLoad(batch: batch, identity: .place(total: total, accepted: accepted))
    }
    let (origins, indices) = head.recordOrigins(count: total)
    let placed = origins.isEmpty ? batch : batch.with(origins, at: accepted.map { indices[$0] })
    return ImportLoad(
      batch: placed, identity: .known(accepted.map { ImportIdentity(store: store, id: ids[$0]) }))
  }

  private func finish(_ rows: inout Rows, _ options: DecodeOptions, _ decoded: inout ImportDecoded) {
    let lines = rows.lines
    if lines.isEmpty { return }
    rows.lines = []
    var decoder = EventDecoder(options: options, isEscaped: rows.areOurs || isArray, isOurs: rows.areOurs)
    for line in lines { decoder.append(line.row) }
    var batch = decoder.finish()
    guard rows.areOurs else {
      let identity = ImportLoad.Identity.place(total: lines.count, accepted: batch.accepted)
      return decoded.loads.append(ImportLoad(batch: batch, identity: identity))
    }
    var origins = OriginList()
    let indices = lines.map { line in line.origin.map { origins.index(of: $0) } ?? -1 }
    if !origins.origins.isEmpty { batch = batch.with(origins.origins, at: indices) }
    let identities = lines.map { ImportIdentity(store: $0.store ?? "", id: $0.id ?? 0) }
    decoded.loads.append(ImportLoad(batch: batch, identity: .known(identities)))
  }
}

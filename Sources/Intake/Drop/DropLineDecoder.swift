import Glibc
import Telemetry
import Wire

/// The lines of one piece, sorted by what they are, as few batches.
struct DropLineDecoder {
  private let piece: DropLinePiece
  private let bytes: UnsafeRawBufferPointer
  private let options: DecodeOptions
  private var loads: [DropLoad] = []
  /// Lines of one signal and no identity, and the resources in them.
  private var requests: [(signal: Signal, line: Int, inside: UnsafeRawBufferPointer)] = []
  private var rows: [(line: Int, row: EventRow.Line)] = []
  /// Elements of an array with the columns of `telemetry_events` and no identity, as an export in JSON has them.
  private var elements: [(line: Int, row: EventRow)] = []
  private var loners: [(line: Int, head: OTLPLine)] = []
  private var events: [Int] = []

  init(_ piece: DropLinePiece, _ bytes: UnsafeRawBufferPointer, _ options: DecodeOptions) {
    self.piece = piece
    self.bytes = bytes
    self.options = options
  }

  mutating func run() -> [DropLoad] {
    sort()
    decodeEvents()
    for signal in Signal.allCases {
      let lines = requests.filter { $0.signal == signal }
      if !lines.isEmpty { decodeRequests(signal, lines.map { ($0.line, $0.inside) }) }
    }
    for (line, head) in loners { decodeLoner(line, head) }
    decodeRows()
    decodeElements()
    return loads
  }

  private func text(_ line: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[piece.lines[line].range])
  }

  // MARK: what a line is

  private mutating func sort() {
    for line in piece.lines.indices {
      let text = text(line)
      if text.holds("\"resource") {
        if let found = OTLPJoin.resources(text) {
          requests.append((found.signal, line, found.inside))
          continue
        }
        if let head = try? OTLPLine(text), !head.signals.isEmpty {
          loners.append((line, head))
          continue
        }
      }
      if text.holds("\"garner\""), let row = (try? EventRow.read(text)) ?? nil, row.store != nil, row.id != nil {
        rows.append((line, row))
      } else if piece.areElements, let row = (try? EventRow.read(text)) ?? nil, !row.hasOthers, row.row.time != nil {
        elements.append((line, row.row))
      } else {
        events.append(line)
      }
    }
  }

  // MARK: what is refused

  /// `record` nil: the line as a whole.
  private func refusal(
    _ line: Int, _ reason: String, record: Int = 0, at offset: Int = 0, path: String = ""
  ) -> DropRefusal {
    let place = piece.lines[line]
    let isCut = piece.isCut && line == piece.lines.count - 1
    return DropRefusal(
      line: place.number, record: record, offset: piece.start.offset + Int64(place.range.lowerBound + offset),
      path: path, reason: isCut ? DropFault.Reason.truncated.rawValue : reason)
  }

  /// The line as it is; one that the file ends in gets a line end. An element of an array may be over many lines: in JSON a
  /// line end is a blank like another.
  private func append(_ line: Int, to load: inout DropLoad) {
    let text = bytes[piece.lines[line].whole]
    if piece.areElements {
      load.refusedText += text.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }
    } else {
      load.refusedText += text
    }
    if load.refusedText.last != 0x0a { load.refusedText.append(0x0a) }
  }

  // MARK: events

  private mutating func decodeEvents() {
    guard !events.isEmpty else { return }
    var batch = DatagramBatch(options: options, expectedBytes: piece.bytes.count)
    var refused: [(line: Int, EventLineRefusal)] = []
    for line in events {
      let number = piece.lines[line].number
      for part in batch.append(line: text(line), piece.defaults, arrival: options.now, path: "line \(number)") {
        refused.append((line, part))
      }
    }
    var load = DropLoad(batch: batch.finish())
    for (line, part) in refused {
      load.refusals.append(refusal(line, part.reason.rawValue, record: part.event))
      if let text = part.line {
        load.refusedText += text + [0x0a]
      } else {
        append(line, to: &load)
      }
    }
    loads.append(load)
  }

  // MARK: requests

  private mutating func decodeRequests(_ signal: Signal, _ lines: [(line: Int, inside: UnsafeRawBufferPointer)]) {
    var good = lines
    var undecodable: [(line: Int, error: DecodeError)] = []
    // Each round takes out one line that is no request, and there are few of these.
    while !good.isEmpty {
      var join = OTLPJoin(signal)
      for entry in good { join.append(entry.inside) }
      switch Self.decode(signal, join.finish(), options) {
      case .success(let batch):
        if let load = load(batch, join, good.map(\.line)) {
          loads.append(load)
        } else if good.count == 1 {
          loads.append(crowded(batch, good[0].line))
        } else {
          // More records are refused than are told one by one: smaller parts tell them all.
          decodeRequests(signal, Array(good[..<(good.count / 2)]))
          decodeRequests(signal, Array(good[(good.count / 2)...]))
        }
        good = []
      case .failure(let error):
        let bad = join.line(at: error.offset)
        // Everything before it is good; alone, a line tells its own fault.
        if case .failure(let own) = Self.decode(signal, Array(text(good[bad].line)), options) {
          undecodable.append((good[bad].line, own))
          good.remove(at: bad)
        } else {
          for entry in good { decodeRequests(signal, entry, &undecodable) }
          good = []
        }
      }
    }
    refuse(undecodable, signal)
  }

  /// One line by itself.
  private mutating func decodeRequests(
    _ signal: Signal, _ entry: (line: Int, inside: UnsafeRawBufferPointer),
    _ undecodable: inout [(line: Int, error: DecodeError)]
  ) {
    var join = OTLPJoin(signal)
    join.append(entry.inside)
    switch Self.decode(signal, join.finish(), options) {
    case .success(let batch): loads.append(load(batch, join, [entry.line]) ?? crowded(batch, entry.line))
    case .failure(let error): undecodable.append((entry.line, error))
    }
  }

  private static func decode(
    _ signal: Signal, _ request: [UInt8], _ options: DecodeOptions
  ) -> Result<Batch, DecodeError> {
    request.withUnsafeBytes { bytes in
      do throws(DecodeError) {
        return .success(try OTLPDecoder.decodeJSON(signal, bytes, options: options))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Nil: not all that is refused is told.
  private func load(_ batch: Batch, _ join: OTLPJoin, _ lines: [Int]) -> DropLoad? {
    var load = DropLoad(batch: batch)
    guard batch.rejectedCount > 0 else { return load }
    guard batch.rejections.count == batch.rejectedCount else { return nil }
    var paths: [Int: [String]] = [:]
    for rejection in batch.rejections {
      guard let (place, path) = join.line(of: rejection), place < lines.count else { return nil }
      load.refusals.append(
        refusal(lines[place], rejection.reason.rawValue, record: paths[place, default: []].count, path: path))
      paths[place, default: []].append(path)
    }
    for (place, paths) in paths.sorted(by: { $0.key < $1.key }) {
      if let request = OTLPRefused.request(text(lines[place]), keeping: paths) {
        load.refusedText += request + [0x0a]
      } else {
        append(lines[place], to: &load)
      }
    }
    return load
  }

  /// A single line with very many refused records.
  private func crowded(_ batch: Batch, _ line: Int) -> DropLoad {
    var load = DropLoad(batch: batch)
    for (tally, count) in batch.rejectionCounts {
      load.refusals += (0..<count).map { refusal(line, tally.reason.rawValue, record: $0) }
    }
    append(line, to: &load)
    return load
  }

  private mutating func refuse(_ lines: [(line: Int, error: DecodeError)], _ signal: Signal) {
    guard !lines.isEmpty else { return }
    let source = String(decoding: options.credential, as: UTF8.self)
    var rejections: [Rejection] = []
    var counts: [Rejection.Tally: Int] = [:]
    var load = DropLoad(batch: Batch.refused([], [:], signal))
    for (line, error) in lines.sorted(by: { $0.line < $1.line }) {
      let reason = error.rejection
      counts[Rejection.Tally(source: source, reason: reason), default: 0] += 1
      if rejections.count < Rejection.limitPerBatch {
        let path = "line \(piece.lines[line].number)"
        rejections.append(
          Rejection(reason: reason, index: rejections.count, path: path, source: source, record: ""))
      }
      load.refusals.append(refusal(line, reason.rawValue, at: error.offset))
      append(line, to: &load)
    }
    load.batch = Batch.refused(rejections, counts, signal)
    loads.append(load)
  }

  /// A line with an identity of a store, or with several signals.
  private mutating func decodeLoner(_ line: Int, _ head: OTLPLine) {
    var options = options
    if let arrival = head.arrival { options.now = arrival }
    for signal in head.signals {
      switch Self.decode(signal, Array(text(line)), options) {
      case .failure(let error):
        // Of several signals the others are as they are.
        refuse([(line, error)], signal)
      case .success(let batch):
        var load = crowded(batch, line)
        if batch.rejectedCount == 0 {
          load.refusedText = []
        } else if batch.rejections.count == batch.rejectedCount,
          let request = OTLPRefused.request(text(line), keeping: batch.rejections.map(\.path))
        {
          load.refusedText = request + [0x0a]
        }
        identify(&load, head)
        loads.append(load)
      }
    }
  }

  private func identify(_ load: inout DropLoad, _ head: OTLPLine) {
    let batch = load.batch
    let total = batch.recordCount + batch.rejectedCount
    guard head.signals.count == 1, let store = head.store, batch.rejections.count == batch.rejectedCount,
      let ids = head.recordIDs(count: total)
    else { return }
    let refused = Set(batch.rejections.map(\.index))
    let accepted = (0..<total).filter { !refused.contains($0) }
    let (origins, indices) = head.recordOrigins(count: total)
    if !origins.isEmpty { load.batch = batch.with(origins, at: accepted.map { indices[$0] }) }
    load.identities = accepted.map { DropIdentity(store: store, id: ids[$0]) }
    load.isExport = true
  }

  // MARK: rows of an export

  private mutating func decodeRows() {
    guard !rows.isEmpty else { return }
    var decoder = EventDecoder(options: options, isEscaped: true, expectedBytes: piece.bytes.count)
    var origins = OriginList()
    var indices: [Int32] = []
    var identities: [DropIdentity] = []
    for (_, line) in rows {
      decoder.append(line.row)
      indices.append(line.origin.map { origins.index(of: $0) } ?? -1)
      identities.append(DropIdentity(store: line.store ?? "", id: line.id ?? 0))
    }
    var load = DropLoad(batch: decoder.finish())
    if !origins.origins.isEmpty { load.batch = load.batch.with(origins.origins, at: indices) }
    load.identities = identities
    load.isExport = true
    loads.append(load)
  }

  /// Their `data` is written as `docs/schema.md` says; what no column has makes an element an event like any other.
  private mutating func decodeElements() {
    guard !elements.isEmpty else { return }
    var decoder = EventDecoder(options: options, isEscaped: true, isOurs: false, expectedBytes: piece.bytes.count)
    var load = DropLoad(batch: Batch.refused([], [:], .logs))
    for (line, row) in elements {
      guard let reason = decoder.append(row, path: "line \(piece.lines[line].number)") else { continue }
      load.refusals.append(refusal(line, reason.rawValue))
      append(line, to: &load)
    }
    load.batch = decoder.finish()
    loads.append(load)
  }
}

extension DecodeError {
  /// As which a line that cannot be decoded is counted.
  var rejection: Rejection.Reason {
    switch kind {
    case .tooDeep: .tooDeep
    case .badID: message.contains("span") ? .badSpanID : .badTraceID
    case .truncated, .malformed, .outOfRange: .badJSON
    }
  }
}

extension Batch {
  /// No rows, only what was refused.
  static func refused(
    _ rejections: [Rejection], _ counts: [Rejection.Tally: Int], _ signal: Signal
  ) -> Batch {
    Batch(
      signal: signal, rows: [], names: [], resources: [], streams: [], contexts: [], metrics: [], series: [],
      rejections: rejections, rejectionCounts: counts, warnings: [], recordCount: 0,
      arena: UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 16)))
  }
}

extension UnsafeRawBufferPointer {
  /// Whether these bytes occur.
  func holds(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard let base = baseAddress, count > 0 else { return false }
    var at = 0
    while self.count - at >= count {
      guard let found = memchr(base + at, Int32(word.utf8Start[0]), self.count - at - count + 1) else { return false }
      if memcmp(found, word.utf8Start, count) == 0 { return true }
      at = UnsafeRawPointer(found) - base + 1
    }
    return false
  }
}

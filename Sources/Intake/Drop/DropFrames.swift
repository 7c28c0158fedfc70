import Telemetry
import Wire

/// Messages with a length of four bytes, big-endian, before each: protobuf or JSON, plain or in zstd (CONFORMANCE FILE-04).
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DropFrames: DropSource, @unchecked Sendable {
  static let frameLimitBytes = 64 << 20
  private static let pieceBytes = 1 << 20

  let format = "otlp_frames"
  let hasLines = false
  let head: [UInt8] = []
  private let content: DropContent
  private let source: String
  private let signal: Signal?
  private var position = DropPosition()
  private var isAtEnd = false

  /// `signal`: of protobuf messages; nil: there are none of these.
  init(_ content: DropContent, _ source: String, signal: Signal?) {
    self.content = content
    self.source = source
    self.signal = signal
  }

  /// Whether a content that begins so has frames: a length that can be and something known behind it.
  static func begins(_ head: [UInt8], length: Int64) -> Bool {
    guard head.count > 4, head[0] <= 0x03 else { return false }
    let size = head[..<4].reduce(0) { $0 << 8 | Int($1) }
    guard size > 0, size <= frameLimitBytes else { return false }
    let body = head[4...]
    return body.starts(with: ZstdStream.magic) || body.first == UInt8(ascii: "{") || body.first == 0x0a
  }

  /// The message of the first frame, or what of it is in `head`.
  static func first(_ head: [UInt8]) -> [UInt8] {
    let size = head[..<4].reduce(0) { $0 << 8 | Int($1) }
    let body = Array(head[4..<min(head.count, 4 + size)])
    guard body.starts(with: ZstdStream.magic) else { return body }
    return body.withUnsafeBytes { try? ZstdStream.inflate($0, limit: frameLimitBytes) } ?? []
  }

  func skip(to position: DropPosition) throws(DropFault) {
    try content.skip(to: position.offset)
    self.position = position
  }

  func next() throws(DropFault) -> (any DropPiece)? {
    var piece = DropFramePiece(start: position, source: source, signal: signal)
    while !isAtEnd, piece.byteCount < Self.pieceBytes {
      let offset = position.offset
      var length: [UInt8] = [0, 0, 0, 0]
      let count = try? read(&length)
      if count == 0 {
        isAtEnd = true
        break
      }
      let size = length.reduce(0) { $0 << 8 | Int($1) }
      var body: [UInt8] = []
      var isWhole = count == 4 && size <= Self.frameLimitBytes
      if isWhole {
        body = [UInt8](repeating: 0, count: size)
        isWhole = (try? read(&body)) == size
      }
      guard isWhole else {
        isAtEnd = true
        piece.appendCut(at: offset)
        break
      }
      piece.append(body, at: offset)
      position = DropPosition(offset: offset + 4 + Int64(size), line: position.line + 1)
    }
    piece.end = position
    return piece.frames.isEmpty ? nil : piece
  }

  /// As many as there are.
  private func read(_ bytes: inout [UInt8]) throws(DropFault) -> Int {
    var filled = 0
    while filled < bytes.count {
      let more = try content.fill(&bytes, filled, bytes.count - filled)
      if more == 0 { break }
      filled += more
    }
    return filled
  }
}

struct DropFramePiece: DropPiece {
  struct Frame {
    var number: Int
    var offset: Int64
    /// Nil: the file ends inside it.
    var body: [UInt8]?
  }

  let start: DropPosition
  let source: String
  let signal: Signal?
  private(set) var frames: [Frame] = []
  private(set) var byteCount = 0
  var end = DropPosition()

  init(start: DropPosition, source: String, signal: Signal?) {
    self.start = start
    self.source = source
    self.signal = signal
  }

  mutating func append(_ body: [UInt8], at offset: Int64) {
    frames.append(Frame(number: start.line + frames.count, offset: offset, body: body))
    byteCount += body.count
  }

  mutating func appendCut(at offset: Int64) {
    frames.append(Frame(number: start.line + frames.count, offset: offset, body: nil))
  }

  func decode(_ options: DecodeOptions) -> [DropLoad] {
    var loads: [DropLoad] = []
    // Protobuf messages behind one another are one message.
    var joined: [UInt8] = []
    var members: [(frame: Frame, body: [UInt8])] = []
    var refused: [DropRefusal] = []
    func flush() {
      guard !members.isEmpty, let signal else { return }
      if let load = Self.protobuf(joined, signal, options, members.count == 1 ? members[0].frame : nil) {
        loads.append(load)
      } else {
        for (frame, body) in members {
          if let load = Self.protobuf(body, signal, options, frame) {
            loads.append(load)
          } else {
            refused.append(refusal(frame, "bad_protobuf"))
          }
        }
      }
      joined = []
      members = []
    }
    for frame in frames {
      guard let packed = frame.body else {
        refused.append(refusal(frame, DropFault.Reason.truncated.rawValue))
        continue
      }
      guard let body = Self.unpacked(packed) else {
        refused.append(refusal(frame, "bad_zstd"))
        continue
      }
      if body.first == UInt8(ascii: "{") {
        flush()
        json(body, frame, options, &loads)
      } else if signal == nil {
        refused.append(refusal(frame, DropFault.Reason.signalUnknown.rawValue))
      } else {
        joined += body
        members.append((frame, body))
      }
    }
    flush()
    if !refused.isEmpty { loads.append(refusedLoad(refused)) }
    return loads
  }

  private static func unpacked(_ body: [UInt8]) -> [UInt8]? {
    guard body.starts(with: ZstdStream.magic) else { return body }
    let limit = min(DropFrames.frameLimitBytes, body.count * Int(DropContent.limitRatio))
    return body.withUnsafeBytes { try? ZstdStream.inflate($0, limit: limit) }
  }

  private func refusal(_ frame: Frame, _ reason: String, path: String = "") -> DropRefusal {
    DropRefusal(line: 0, record: frame.number, offset: frame.offset, path: path, reason: reason)
  }

  /// Nil: it cannot be decoded.
  private static func protobuf(
    _ message: [UInt8], _ signal: Signal, _ options: DecodeOptions, _ frame: Frame?
  ) -> DropLoad? {
    let batch = message.withUnsafeBytes { bytes -> Batch? in
      do throws(DecodeError) { return try OTLPDecoder.decodeProtobuf(signal, bytes, options: options) } catch {
        return nil
      }
    }
    guard let batch else { return nil }
    // Which frame it was is told by a decode of its own.
    if batch.rejectedCount > 0 && frame == nil { return nil }
    var load = DropLoad(batch: batch)
    for rejection in batch.rejections {
      load.refusals.append(
        DropRefusal(
          line: 0, record: frame?.number ?? 0, offset: frame?.offset ?? 0, path: rejection.path,
          reason: rejection.reason.rawValue))
    }
    return load
  }

  private func json(_ body: [UInt8], _ frame: Frame, _ options: DecodeOptions, _ loads: inout [DropLoad]) {
    let defaults = EventLineDefaults(
      source: options.credential, component: options.component, session: options.anonymousSession)
    var piece = DropLinePiece(bytes: body, start: DropPosition(), defaults: defaults)
    piece.joinLines()
    for var load in piece.decode(options) {
      load.refusedText = []
      load.refusals = load.refusals.map { refusal(frame, $0.reason, path: $0.path) }
      loads.append(load)
    }
  }

  private func refusedLoad(_ refused: [DropRefusal]) -> DropLoad {
    let rejections = refused.prefix(Rejection.limitPerBatch).enumerated().map { index, refusal in
      Rejection(
        reason: .badFrame, index: index, path: "frame \(refusal.record)", source: source, record: "")
    }
    let counts = [Rejection.Tally(source: source, reason: .badFrame): refused.count]
    var load = DropLoad(batch: Batch.refused(rejections, counts, signal ?? .logs))
    load.refusals = refused
    return load
  }
}

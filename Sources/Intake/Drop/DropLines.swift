import Telemetry
import Wire

/// Lines of JSON: OTLP requests, events, rows of an export, as they come.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DropLines: DropSource, @unchecked Sendable {
  static let lineLimitBytes = 64 << 20
  static let pieceBytes = 2 << 20

  let format: String
  let hasLines = true
  let head: [UInt8] = []
  private let content: DropContent
  private let defaults: EventLineDefaults
  /// All of the content is one document.
  private let isDocument: Bool
  /// The lines are elements of an array.
  private let isArray: Bool
  private var buffer: [UInt8] = []
  private var position = DropPosition()
  private var isAtEnd = false
  private var fault: DropFault?

  init(
    _ content: DropContent, format: String, _ defaults: EventLineDefaults, isDocument: Bool = false,
    isArray: Bool = false
  ) {
    self.content = content
    self.format = format
    self.defaults = defaults
    self.isDocument = isDocument
    self.isArray = isArray
  }

  func skip(to position: DropPosition) throws(DropFault) {
    try content.skip(to: position.offset)
    self.position = position
  }

  func next() throws(DropFault) -> (any DropPiece)? {
    if isDocument { return document() }
    while true {
      if let end = lastLineEnd() { return piece(buffer, end) }
      if isAtEnd {
        if !buffer.isEmpty { return piece(buffer, buffer.count) }
        if let fault { throw fault }
        return nil
      }
      if buffer.count > Self.lineLimitBytes { throw DropFault(.tooBig, at: position.offset) }
      fill()
    }
  }

  private func fill() {
    let size = max(Self.pieceBytes - buffer.count, 1 << 18)
    let read = content.append(size, to: &buffer)
    isAtEnd = isAtEnd || read.isAtEnd
    fault = fault ?? read.fault
  }

  /// Behind the last line feed, once there is enough for a piece.
  private func lastLineEnd() -> Int? {
    guard buffer.count >= Self.pieceBytes || isAtEnd else { return nil }
    return buffer.lastIndex(of: 0x0a).map { $0 + 1 }
  }

  private func piece(_ bytes: [UInt8], _ count: Int) -> DropLinePiece {
    let text = count == bytes.count ? bytes : Array(bytes[..<count])
    var piece = DropLinePiece(bytes: text, start: position, defaults: defaults)
    piece.isCut = fault != nil && isAtEnd && text.last != 0x0a
    if isArray { piece.stripElements() }
    position = piece.end
    buffer.removeFirst(count)
    return piece
  }

  private func document() -> DropLinePiece? {
    guard !isAtEnd, position.offset == 0 else { return nil }
    isAtEnd = true
    guard let bytes = content.whole(limit: Self.lineLimitBytes) else { return nil }
    var piece = DropLinePiece(bytes: bytes, start: position, defaults: defaults)
    piece.joinLines()
    position = piece.end
    return piece
  }
}

struct DropLinePiece: DropPiece {
  struct Line {
    /// Without line end.
    var range: Range<Int>
    /// With it.
    var whole: Range<Int>
    var number: Int
  }

  let bytes: [UInt8]
  let start: DropPosition
  let defaults: EventLineDefaults
  /// The lines are elements of an array: they are kept without what stands between them.
  private(set) var areElements = false
  private(set) var lines: [Line] = []
  let end: DropPosition
  /// The last line breaks off because the file does.
  var isCut = false

  init(bytes: [UInt8], start: DropPosition, defaults: EventLineDefaults) {
    self.bytes = bytes
    self.start = start
    self.defaults = defaults
    var count = 0
    var lines: [Line] = []
    bytes.withUnsafeBytes { bytes in
      var at = 0
      // A mark that the text is UTF-8 says nothing new.
      if start.offset == 0 && bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
      while at < bytes.count {
        var stop = at
        while stop < bytes.count && bytes[stop] != 0x0a { stop &+= 1 }
        let next = min(stop + 1, bytes.count)
        var last = stop
        while last > at && bytes[last - 1] <= 0x20 { last -= 1 }
        if last > at { lines.append(Line(range: at..<last, whole: at..<next, number: start.line + count + 1)) }
        count += 1
        at = next
      }
    }
    self.lines = lines
    end = DropPosition(offset: start.offset + Int64(bytes.count), line: start.line + count)
  }

  /// The elements of an array at these places of `bytes`.
  init(elements: [Range<Int>], of bytes: [UInt8], start: DropPosition, defaults: EventLineDefaults) {
    self.bytes = bytes
    self.start = start
    self.defaults = defaults
    lines = elements.enumerated().map { Line(range: $1, whole: $1, number: start.line + $0 + 1) }
    end = DropPosition(offset: start.offset + Int64(bytes.count), line: start.line + elements.count)
    areElements = true
  }

  /// Each line is an element of an array with the comma behind it, or a bracket.
  mutating func stripElements() {
    areElements = true
    lines = lines.compactMap { line in
      var range = line.range
      var last = range.upperBound
      while last > range.lowerBound, bytes[last - 1] <= 0x20 || bytes[last - 1] == UInt8(ascii: ",") { last -= 1 }
      range = range.lowerBound..<last
      range = bytes[range].firstIndex { $0 > 0x20 }.map { $0..<range.upperBound } ?? range
      let isBracket = range.count == 1 && [UInt8(ascii: "["), UInt8(ascii: "]")].contains(bytes[range.lowerBound])
      return range.isEmpty || isBracket ? nil : Line(range: range, whole: range, number: line.number)
    }
  }

  /// All of it is one.
  mutating func joinLines() {
    guard let first = lines.first, let last = lines.last else { return }
    let range = first.range.lowerBound..<last.range.upperBound
    lines = [Line(range: range, whole: first.whole.lowerBound..<bytes.count, number: 1)]
  }

  func decode(_ options: DecodeOptions) -> [DropLoad] {
    bytes.withUnsafeBytes { bytes in
      var work = DropLineDecoder(self, bytes, options)
      return work.run()
    }
  }
}

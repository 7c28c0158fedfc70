import Glibc
import Telemetry
import Wire

/// The elements of a JSON array, whatever lies between them: each is what a line is elsewhere, and refused ones are kept as
/// lines. An array with an element a line, as our exports have, is read as lines (`DropLines`), for it can be long.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DropArray: DropSource, @unchecked Sendable {
  let format: String
  let hasLines = true
  let head: [UInt8] = []
  private let bytes: [UInt8]
  private let defaults: EventLineDefaults
  /// Nil: it is no array; all of it is refused.
  private let elements: [Range<Int>]?
  private var place = 0

  /// Throws when the text breaks off, or is longer than what is taken at once.
  init(_ content: DropContent, format: String, _ defaults: EventLineDefaults) throws(DropFault) {
    var bytes: [UInt8] = []
    let limit = DropLines.lineLimitBytes
    let size = content.coding == .plain ? Int(min(Int64(limit), content.length)) : limit
    let read = content.append(size + 1, to: &bytes)
    content.rewind()
    if bytes.count > limit { throw DropFault(.tooBig, at: 0) }
    if let fault = read.fault { throw fault }
    let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    switch Self.elements(bytes, from: start) {
    case .success(let found): elements = found.map { ($0.lowerBound + start)..<($0.upperBound + start) }
    case .failure(let error):
      if error.kind == .truncated { throw DropFault(.truncated, at: Int64(start + error.offset)) }
      elements = nil
    }
    self.bytes = bytes
    self.format = format
    self.defaults = defaults
  }

  private static func elements(_ bytes: [UInt8], from start: Int) -> Result<[Range<Int>], DecodeError> {
    bytes.withUnsafeBytes { all in
      do throws(DecodeError) {
        return .success(try JSONShape.elements(UnsafeRawBufferPointer(rebasing: all[start...])))
      } catch { return .failure(error) }
    }
  }

  /// `position.line`: elements before it.
  func skip(to position: DropPosition) { place = position.line }

  func next() -> (any DropPiece)? {
    guard let elements else {
      if place > 0 { return nil }
      place = 1
      var piece = DropLinePiece(bytes: bytes, start: DropPosition(), defaults: defaults)
      piece.joinLines()
      return piece
    }
    guard place < elements.count else { return nil }
    let first = place
    let start = elements[first].lowerBound
    repeat { place += 1 } while place < elements.count && elements[place].upperBound - start <= DropLines.pieceBytes
    let end = place < elements.count ? elements[place].lowerBound : bytes.count
    return DropLinePiece(
      elements: elements[first..<place].map { ($0.lowerBound - start)..<($0.upperBound - start) },
      of: Array(bytes[start..<end]), start: DropPosition(offset: Int64(start), line: first), defaults: defaults)
  }

  // MARK: what is one

  /// Whether a text that begins so has an element a line, as an import sees it too: a bracket alone, then an element.
  static func hasLines(_ head: ArraySlice<UInt8>, isCut: Bool) -> Bool {
    let lines = head.split(separator: 0x0a).filter { line in line.contains { $0 > 0x20 } }.prefix(2)
    guard lines.count == 2, lines[0].allSatisfy({ $0 <= 0x20 || $0 == UInt8(ascii: "[") }) else { return false }
    // What follows is longer than what was looked at.
    if isCut, lines[1].endIndex == head.endIndex { return true }
    var line = lines[1]
    while let last = line.last, last <= 0x20 || last == UInt8(ascii: ",") { line.removeLast() }
    return line.withUnsafeBytes { JSONShape.isObject($0) }
  }

  /// Whether a text that begins so is meant as one.
  static func begins(_ head: ArraySlice<UInt8>) -> Bool {
    let inside = head.drop { $0 <= 0x20 }.dropFirst().drop { $0 <= 0x20 }
    return inside.first == UInt8(ascii: "{") || inside.first == UInt8(ascii: "]")
  }
}

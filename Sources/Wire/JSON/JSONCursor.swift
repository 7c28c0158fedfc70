/// A place in a JSON text (RFC 8259). Does not own its bytes; every read is checked against `end`.
struct JSONCursor {
  var at: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  @inline(__always) init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
    self.at = at
    self.end = end
  }

  @inline(__always) var left: Int { end - at }

  @inline(never) func fault(_ kind: JSONFault.Kind) -> JSONFault {
    JSONFault(kind: kind, address: UInt(bitPattern: at))
  }

  /// The next byte is not the wanted one.
  @inline(never) func fault(orTruncated kind: JSONFault.Kind) -> JSONFault {
    fault(at >= end ? .truncated : kind)
  }

  // MARK: words

  /// Eight bytes of the input; only with eight bytes left.
  @inline(__always) func word(_ offset: Int = 0) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(at + offset).loadUnaligned(as: UInt64.self))
  }

  /// Whether the text goes on with `text`, which has at least eight bytes.
  @inline(__always) func continues(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard left >= count else { return false }
    var offset = 0
    while offset &+ 8 <= count {
      if word(offset) != Self.word(text, offset) { return false }
      offset &+= 8
    }
    return offset == count || word(count &- 8) == Self.word(text, count &- 8)
  }

  @inline(__always) static func word(_ text: StaticString, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(text.utf8Start + offset).loadUnaligned(as: UInt64.self))
  }

  // MARK: structure

  @inline(__always) mutating func skipSpace() {
    if at < end && at.pointee <= 0x20 { skipMoreSpace() }
  }

  @inline(never) private mutating func skipMoreSpace() {
    while at < end {
      switch at.pointee {
      case 0x20, 0x0a, 0x0d, 0x09: at += 1
      default: return
      }
    }
  }

  /// The next byte that is not white space; not passed.
  @inline(__always) mutating func peek() throws(JSONFault) -> UInt8 {
    skipSpace()
    guard at < end else { throw fault(.truncated) }
    return at.pointee
  }

  /// Passes `byte`.
  @inline(__always) mutating func expect(_ byte: UInt8, _ kind: JSONFault.Kind = .unexpected) throws(JSONFault) {
    skipSpace()
    guard at < end && at.pointee == byte else { throw fault(orTruncated: kind) }
    at += 1
  }

  /// Passes `byte` if it is next.
  @inline(__always) mutating func passes(_ byte: UInt8) -> Bool {
    skipSpace()
    guard at < end && at.pointee == byte else { return false }
    at += 1
    return true
  }

  /// Behind a member or an element: true for a comma, false for the closing bracket `close`.
  @inline(__always) mutating func hasMore(_ close: UInt8) throws(JSONFault) -> Bool {
    skipSpace()
    guard at < end else { throw fault(.truncated) }
    let byte = at.pointee
    guard byte == UInt8(ascii: ",") || byte == close else { throw fault(.unexpected) }
    at += 1
    return byte == UInt8(ascii: ",")
  }

  /// Passes `null` if it is next.
  @inline(__always) mutating func passesNull() throws(JSONFault) -> Bool {
    guard try peek() == UInt8(ascii: "n") else { return false }
    try literal("null")
    return true
  }

  mutating func literal(_ text: StaticString) throws(JSONFault) {
    for index in 0..<text.utf8CodeUnitCount {
      guard at < end && at.pointee == text.utf8Start[index] else { throw fault(orTruncated: .unexpected) }
      at += 1
    }
  }

  mutating func boolean() throws(JSONFault) -> Bool {
    switch try peek() {
    case UInt8(ascii: "t"):
      try literal("true")
      return true
    case UInt8(ascii: "f"):
      try literal("false")
      return false
    default: throw fault(.notBoolean)
    }
  }
}

/// Eight bytes at a time.
enum JSONWord {
  static let ones: UInt64 = 0x0101_0101_0101_0101
  static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The lowest set bit belongs to the first byte that does not stand for itself in a string: quote, backslash, control
  /// character or a byte of a longer UTF-8 sequence. Bits above it may be wrong.
  @inline(__always) static func stops(_ word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let slash = word ^ (ones &* 0x5c)
    let controls = (word &- (ones &* 0x20)) & ~word
    let quotes = (quote &- ones) & ~quote
    let slashes = (slash &- ones) & ~slash
    return (word | controls | quotes | slashes) & highs
  }

  /// Value of eight ASCII digits, first digit in the lowest byte; nil if one of them is none.
  @inline(__always) static func digits(_ word: UInt64) -> UInt64? {
    let low = word &- (ones &* 0x30)
    // A byte above '9' sets the high bit of the sum, a byte below '0' that of the difference.
    guard ((word &+ (ones &* 0x46)) | low) & highs == 0 else { return nil }
    var value = low
    value = (value &* 10) &+ (value >> 8)
    let even = (value & 0x0000_00ff_0000_00ff) &* 0x000f_4240_0000_0064
    let odd = ((value >> 16) & 0x0000_00ff_0000_00ff) &* 0x0000_2710_0000_0001
    value = (even &+ odd) >> 32
    return value
  }
}

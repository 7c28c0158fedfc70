/// What a fold remembers as bytes: numbers as varints, doubles as eight bytes, a checksum at the end.
struct FoldStateWriter {
  private(set) var bytes: [UInt8] = []

  mutating func unsigned(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func signed(_ number: Int64) { unsigned(UInt64(bitPattern: number << 1 ^ number >> 63)) }
  mutating func flag(_ flag: Bool) { bytes.append(flag ? 1 : 0) }
  mutating func double(_ number: Double) { word(number.bitPattern) }

  mutating func word(_ word: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }

  mutating func text(_ text: [UInt8]) {
    unsigned(UInt64(text.count))
    bytes += text
  }

  mutating func counts(_ counts: [UInt64]) {
    unsigned(UInt64(counts.count))
    for count in counts { unsigned(count) }
  }

  mutating func doubles(_ numbers: [Double]) {
    unsigned(UInt64(numbers.count))
    for number in numbers { double(number) }
  }

  consuming func finish() -> [UInt8] {
    let sum = Self.checksum(bytes[...])
    word(sum)
    return bytes
  }

  /// FNV-1a: finds damage, not intent.
  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return sum
  }
}

struct FoldStateError: Error {}

struct FoldStateReader {
  private let bytes: [UInt8]
  private let end: Int
  private var at = 0

  init(_ bytes: [UInt8]) throws(FoldStateError) {
    guard bytes.count > 8 else { throw FoldStateError() }
    self.bytes = bytes
    end = bytes.count - 8
    var sum: UInt64 = 0
    for index in 0..<8 { sum |= UInt64(bytes[end + index]) << UInt64(8 * index) }
    guard sum == FoldStateWriter.checksum(bytes[..<end]) else { throw FoldStateError() }
  }

  var isAtEnd: Bool { at == end }

  mutating func byte() throws(FoldStateError) -> UInt8 {
    guard at < end else { throw FoldStateError() }
    at += 1
    return bytes[at - 1]
  }

  mutating func unsigned() throws(FoldStateError) -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      guard shift < 64 else { throw FoldStateError() }
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
  }

  mutating func signed() throws(FoldStateError) -> Int64 {
    let number = try unsigned()
    return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }

  mutating func flag() throws(FoldStateError) -> Bool { try byte() != 0 }
  mutating func double() throws(FoldStateError) -> Double { Double(bitPattern: try word()) }

  mutating func word() throws(FoldStateError) -> UInt64 {
    var word: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 8) { word |= UInt64(try byte()) << shift }
    return word
  }

  /// How many of something that takes at least a byte each follow.
  mutating func count() throws(FoldStateError) -> Int {
    let count = try unsigned()
    guard count <= UInt64(end - at) else { throw FoldStateError() }
    return Int(count)
  }

  mutating func text() throws(FoldStateError) -> [UInt8] {
    let length = try count()
    at += length
    return Array(bytes[at - length..<at])
  }

  mutating func counts() throws(FoldStateError) -> [UInt64] {
    var counts: [UInt64] = []
    for _ in 0..<(try count()) { counts.append(try unsigned()) }
    return counts
  }

  mutating func doubles() throws(FoldStateError) -> [Double] {
    var numbers: [Double] = []
    for _ in 0..<(try count()) { numbers.append(try double()) }
    return numbers
  }
}

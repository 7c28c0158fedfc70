/// Numbers as text of a fixed width, written where they belong.
enum LoadDigits {
  private static let hexadecimalDigits = Array("0123456789abcdef".utf8)

  static func hexadecimal(_ number: UInt64, _ at: UnsafeMutableRawPointer) {
    hexadecimalDigits.withUnsafeBufferPointer { digits in
      var rest = number
      for index in 0..<16 {
        at.storeBytes(of: digits[Int(rest & 15)], toByteOffset: index, as: UInt8.self)
        rest >>= 4
      }
    }
  }

  static func decimal(_ number: UInt64, _ width: Int, _ at: UnsafeMutableRawPointer) {
    var rest = number
    var index = width - 1
    while index >= 0 {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      at.storeBytes(of: UInt8(truncatingIfNeeded: digit) + 0x30, toByteOffset: index, as: UInt8.self)
      rest = quotient
      index -= 1
    }
  }
}

/// xorshift64*: a nanosecond a number, seeded by the system, so that no two runs send the same.
struct LoadRandom {
  private var state: UInt64

  init() { state = UInt64.random(in: 1...UInt64.max) }

  /// `seed` must not be 0.
  init(seed: UInt64) { state = seed }

  @inline(__always) mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}

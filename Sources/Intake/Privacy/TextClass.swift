/// What a byte can be the beginning or the middle of, for the one pass over every text. 0: of nothing.
enum TextClass {
  static let plain: UInt8 = 0
  static let quote: UInt8 = 1
  static let backslash: UInt8 = 2
  static let dot: UInt8 = 3
  static let colon: UInt8 = 4
  static let at: UInt8 = 5
  static let percent: UInt8 = 6
  static let slash: UInt8 = 7
  static let equals: UInt8 = 8
  static let upperJ: UInt8 = 9
  static let upperK: UInt8 = 10
  static let underscore: UInt8 = 11
  static let hyphen: UInt8 = 12
  static let blank: UInt8 = 13
  static let seven: UInt8 = 14

  /// Never freed: read through a pointer, since an array would check bounds for every byte.
  nonisolated(unsafe) static let table: UnsafePointer<UInt8> = {
    // Sound: written here only, before anyone has it.
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    table.initialize(repeating: plain, count: 256)
    let classes: [(Unicode.Scalar, UInt8)] = [
      ("\"", quote), ("\\", backslash), (".", dot), (":", colon), ("@", at), ("%", percent), ("/", slash),
      ("=", equals), ("J", upperJ), ("K", upperK), ("_", underscore), ("-", hyphen), (" ", blank), ("7", seven),
    ]
    for (letter, name) in classes { table[Int(letter.value)] = name }
    return UnsafePointer(table)
  }()

  @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  @inline(__always) static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
  @inline(__always) static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
  @inline(__always) static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

  /// Whether a rule could find something around the byte of class `kind` at `at`: never no where one does, for texts
  /// without quotes and backslashes. Looks at few bytes, none outside `first..<end`.
  @inline(__always) static func isSuspect(
    _ kind: UInt8, _ text: UnsafePointer<UInt8>, _ at: Int, _ first: Int, _ end: Int
  ) -> Bool {
    @inline(__always) func byte(_ offset: Int) -> UInt8 {
      let place = at &+ offset
      return place >= first && place < end ? text[place] : 0
    }
    switch kind {
    case dot: return isDigit(byte(-1)) && isDigit(byte(1))
    case blank: return byte(-1) == 0x72 && byte(-2) == 0x65 && byte(-3) == 0x72 || byte(-1) == 0x63 && byte(-2) == 0x69
    case hyphen:
      return isHex(byte(-1)) && byte(3) == 0x2d && !isWord(byte(-3)) || byte(-1) == 0x74 && byte(-2) == 0x61
        || byte(-2) == 0x78 && byte(-3) == 0x6f
    case underscore:
      switch byte(-1) {
      case 0x74: return byte(-2) == 0x67
      case 0x62: return byte(-2) == 0x75
      case 0x6b: return byte(-2) == 0x73
      default: return byte(-2) == 0x68 && byte(-3) == 0x67
      }
    case slash: return byte(1) | 0x20 == 0x68 || byte(1) | 0x20 == 0x75
    case seven: return byte(1) == 0x36 && byte(2) == 0x35
    case colon: return isSuspectColon(byte(-3), byte(-2), byte(-1), byte(1), byte(3))
    case equals: return endsSecretWord(byte(-1))
    case upperJ: return byte(-1) == 0x79
    case upperK: return byte(-1) == 0x41 && byte(1) == 0x49
    case percent: return byte(1) == 0x34 && byte(2) == 0x30
    default: return true
    }
  }

  /// The same for a whole text.
  static func isSuspect(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = text.baseAddress else { return false }
    for at in 0..<text.count {
      let kind = table[Int(base[at])]
      if kind == plain { continue }
      if kind <= backslash || isSuspect(kind, base, at, 0, text.count) { return true }
    }
    return false
  }

  /// IPv6, MAC, SteamID, `://` are found by what stands around the colon; `user:pass@` by its `@`.
  @inline(__always) private static func isSuspectColon(
    _ third: UInt8, _ second: UInt8, _ first: UInt8, _ next: UInt8, _ afterPair: UInt8
  ) -> Bool {
    isHex(first) && (isHex(second) && (isHex(third) || afterPair == 0x3a && !isWord(third)) || second == 0x5f)
      || next == 0x3a || endsSecretWord(first) || first | 0x20 == 0x75
  }

  /// Last letters of password, passwd, secret, token, api_key, access_key, authorization; or a blank or quote behind.
  @inline(__always) static func endsSecretWord(_ byte: UInt8) -> Bool {
    switch byte | 0x20 {
    case 0x64, 0x74, 0x6e, 0x79, 0x20, 0x27: true
    default: false
    }
  }
}

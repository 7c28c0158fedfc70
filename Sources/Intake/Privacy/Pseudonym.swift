import Crypto

/// What stands for a player or a device: `p_` or `d_` and 20 hexadecimal digits of a keyed hash, so that one id is
/// one pseudonym wherever it comes up, and nobody without the key can try ids until one fits.
package enum Pseudonym {
  package enum Kind: Sendable {
    case player, device

    var letter: UInt8 { self == .player ? UInt8(ascii: "p") : UInt8(ascii: "d") }
    var label: [UInt8] { Array((self == .player ? "player" : "device").utf8) + [0] }
  }

  static let length = 22

  /// Lower case, as written by `PseudonymHash`.
  static func looksLike(_ text: some Collection<UInt8>) -> Bool {
    guard text.count == length, let first = text.first, first == UInt8(ascii: "p") || first == UInt8(ascii: "d"),
      text.dropFirst().first == UInt8(ascii: "_")
    else { return false }
    return text.dropFirst(2).allSatisfy { $0 &- 0x30 < 10 || $0 &- 0x61 < 6 }
  }

  /// What a player filter has to look for: `id` under every key, or as it is when it is a pseudonym already. A row
  /// belongs to the player when one of these is a whole string in its data, attributes or resource.
  package static func of(player id: String, under keys: PseudonymKeys) -> [String] {
    let bytes = Array(id.utf8)
    if looksLike(bytes) { return [id] }
    return keys.entries.map { entry in
      String(decoding: PseudonymHash(key: entry.key).text(.player, bytes), as: UTF8.self)
    }
  }
}

/// One key, its schedule computed once.
struct PseudonymHash: Sendable {
  private let player: HMAC<SHA256>
  private let device: HMAC<SHA256>
  private static let digits = Array("0123456789abcdef".utf8)

  init(key: [UInt8]) {
    let key = SymmetricKey(data: key)
    var player = HMAC<SHA256>(key: key)
    player.update(data: Pseudonym.Kind.player.label)
    var device = HMAC<SHA256>(key: key)
    device.update(data: Pseudonym.Kind.device.label)
    self.player = player
    self.device = device
  }

  /// `value` as it was sent; the spellings of a SteamID are one value.
  func text(_ kind: Pseudonym.Kind, _ value: [UInt8]) -> [UInt8] {
    var hash = kind == .player ? player : device
    hash.update(data: SteamID.unified(value) ?? value)
    var text = [kind.letter, UInt8(ascii: "_")]
    text.reserveCapacity(Pseudonym.length)
    for byte in hash.finalize().prefix(10) {
      text.append(Self.digits[Int(byte >> 4)])
      text.append(Self.digits[Int(byte & 15)])
    }
    return text
  }
}

/// The three spellings of a player's SteamID: 17 digits, `STEAM_x:y:z`, `[U:1:w]`.
enum SteamID {
  /// Number of the account 0 of the public universe.
  private static let base: UInt64 = 76_561_197_960_265_728

  /// The 17 digits of one of the two other spellings; nil for anything else, the digits included.
  static func unified(_ text: [UInt8]) -> [UInt8]? {
    guard let first = text.first, first == UInt8(ascii: "[") || first | 0x20 == UInt8(ascii: "s") else { return nil }
    return text.withUnsafeBufferPointer { bytes in
      guard let found = parse(bytes, 0), found.end == bytes.count else { return nil }
      return Array(String(found.number).utf8)
    }
  }

  /// `STEAM_x:y:z` or `[U:1:w]` at `start`.
  static func parse(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> (number: UInt64, end: Int)? {
    if text[start] == UInt8(ascii: "[") {
      guard passes(text, start, "[u:1:"), let account = digits(text, start + 5, 10), account.end < text.count,
        text[account.end] == UInt8(ascii: "]"), account.number <= UInt64(UInt32.max)
      else { return nil }
      return (base + account.number, account.end + 1)
    }
    guard passes(text, start, "steam_"), let universe = digits(text, start + 6, 1), passes(text, universe.end, ":"),
      let low = digits(text, universe.end + 1, 1), low.number < 2, passes(text, low.end, ":"),
      let high = digits(text, low.end + 1, 10), high.number <= UInt64(UInt32.max) / 2
    else { return nil }
    return (base + high.number * 2 + low.number, high.end)
  }

  private static func passes(_ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ word: StaticString) -> Bool {
    guard at + word.utf8CodeUnitCount <= text.count else { return false }
    for index in 0..<word.utf8CodeUnitCount where KeyPattern.lower(text[at + index]) != word.utf8Start[index] {
      return false
    }
    return true
  }

  /// One to `most` digits with no further one behind them.
  private static func digits(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ most: Int
  ) -> (number: UInt64, end: Int)? {
    var at = start
    var number: UInt64 = 0
    while at < text.count, text[at] &- 0x30 < 10 {
      if at - start == most { return nil }
      number = number * 10 + UInt64(text[at] & 15)
      at += 1
    }
    return at > start ? (number, at) : nil
  }
}

/// What a map that stands for a player may say beside who that is: `{"id":"al","rating":1500,"stats":{"apm":81.5}}`.
///
/// Where it is not clear the value counts as somebody: a figure that is lost is less than a player who is found.
enum PlayerFigure {
  /// Numbers from here on are ids of accounts, telephones or times to many a digit, whatever the key says.
  private static let limit = 1e9
  /// Anywhere in a key.
  private static let words = [
    "name", "nick", "steam", "account", "user", "player", "login", "mail", "phone", "hash", "guid", "key", "token",
    "serial", "address", "number", "handle", "tag", "code", "zip", "post", "birth", "born", "owner", "host", "device",
  ]
  /// At the end of a key: also `steamID`, `uuids`, `client_ip`.
  private static let endings = ["id", "ids", "ip", "ips", "no", "nr", "sn"]

  /// `key` decoded, without case.
  static func namesSomebody(_ key: [UInt8]) -> Bool {
    let key = String(decoding: key.map(KeyPattern.lower), as: UTF8.self)
    return endings.contains { key.hasSuffix($0) } || words.contains { holds(key, $0) }
  }

  private static func holds(_ key: String, _ word: String) -> Bool {
    let (key, word) = (Array(key.utf8), Array(word.utf8))
    guard key.count >= word.count else { return false }
    return (0...(key.count - word.count)).contains { key[$0..<($0 + word.count)].elementsEqual(word) }
  }

  /// `number` as JSON writes it.
  static func isFigure(_ number: [UInt8]) -> Bool {
    Double(String(decoding: number, as: UTF8.self)).map { abs($0) < limit } ?? false
  }
}

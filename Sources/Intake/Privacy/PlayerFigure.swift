/// What a map that stands for a player may say beside who that is: `{"id":"al","rating":1500,"stats":{"apm":81.5}}`.
///
/// Only what is known to be a figure stays: under any other key a number may be somebody, like `"opponent":7654321`, and a
/// figure that is lost is less than a player who is found.
enum PlayerFigure {
  /// Numbers from here on are ids of accounts, telephones or times to many a digit, whatever the key says.
  private static let limit = 1e9
  private static let names: Set<String> = [
    "rating", "elo", "mmr", "rank", "level", "skill", "mu", "sigma", "deviation", "volatility", "streak", "xp",
    "experience", "score", "points", "apm", "eapm", "ping", "rtt", "latency", "jitter", "loss", "fps", "kills",
    "deaths", "assists", "damage", "accuracy", "wins", "losses", "draws", "games", "matches", "rounds", "won", "lost",
    "count", "pos", "position", "x", "y", "z", "yaw", "pitch", "speed", "distance", "health", "hp", "armor", "gold",
    "credits", "money", "power", "income", "units", "buildings", "duration", "progress", "percent", "ratio", "share",
    "handicap", "difficulty", "delay", "orders", "commands", "frames", "ticks", "bytes", "packets",
  ]
  private static let endings = [
    "_ms", "_us", "_ns", "_s", "_bytes", "_count", "_rate", "_ratio", "_percent", "_pct", "_score", "_rating", "_rank",
    "_level", "_fps", "_kbps",
  ]

  /// `key` decoded, without case.
  static func isFigure(named key: [UInt8]) -> Bool {
    let key = String(decoding: key.map(KeyPattern.lower), as: UTF8.self)
    return names.contains(key) || (key.last == "s" && names.contains(String(key.dropLast())))
      || endings.contains { key.hasSuffix($0) }
  }

  /// `number` as JSON writes it.
  static func isFigure(_ number: [UInt8]) -> Bool {
    Double(String(decoding: number, as: UTF8.self)).map { abs($0) < limit } ?? false
  }
}

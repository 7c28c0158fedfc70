/// What Loki says of a push that it did not take whole (CONFORMANCE LOKI-10): with 400 the rest of it is stored.
package enum LokiAnswer {
  /// How many entries were ignored: of `total ignored: 3 out of 10`, else the sum of `2 errors like: …`. Nil: it does
  /// not say.
  package static func ignored(in body: [UInt8]) -> Int? { total(body) ?? errors(body) }

  private static func total(_ body: [UInt8]) -> Int? {
    let mark = Array("total ignored: ".utf8)
    let follow = Array(" out of".utf8)
    for start in places(of: mark, in: body) {
      let (number, end) = number(body, start + mark.count)
      if let number, body[end...].starts(with: follow) { return number }
    }
    return nil
  }

  private static func errors(_ body: [UInt8]) -> Int? {
    var sum = 0
    for start in places(of: Array(" errors like".utf8), in: body) + places(of: Array(" error like".utf8), in: body) {
      var first = start
      while first > 0 && body[first - 1] &- 0x30 < 10 { first -= 1 }
      guard first < start, let count = number(body, first).number else { continue }
      sum = min(sum + count, limit)
    }
    return sum > 0 ? sum : nil
  }

  /// No request has more entries; a far end may say anything.
  private static let limit = 1_000_000_000

  private static func number(_ body: [UInt8], _ start: Int) -> (number: Int?, end: Int) {
    var number: Int?
    var at = start
    while at < body.count && body[at] &- 0x30 < 10 {
      number = min((number ?? 0) * 10 + Int(body[at] &- 0x30), limit)
      at += 1
    }
    return (number, at)
  }

  private static func places(of text: [UInt8], in body: [UInt8]) -> [Int] {
    guard body.count >= text.count else { return [] }
    return (0...(body.count - text.count)).filter { start in
      body[start] == text[0] && body[start..<(start + text.count)].elementsEqual(text)
    }
  }
}

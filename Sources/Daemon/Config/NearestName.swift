/// The name that was probably meant, by edit distance.
package enum NearestName {
  /// Nil when nothing is near: more than a third of the letters differ (but two may, of five and more).
  package static func find(_ name: String, among names: some Sequence<String>) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in names {
      let distance = distance(Array(name.utf8), Array(candidate.utf8))
      if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(2, name.utf8.count / 3), 2 * best.distance < name.utf8.count else {
      return nil
    }
    return best.name
  }

  /// Insertions, removals, replacements and swaps of neighbours (optimal string alignment).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var least = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
        row.append(least)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}

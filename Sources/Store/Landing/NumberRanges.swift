/// A set of numbers as closed ranges with gaps between them, in pieces so that a change far from the end moves little.
struct NumberRanges {
  private static let pieceLimit = 512

  /// None is empty; in order.
  private var pieces: [[ClosedRange<Int64>]] = []
  /// How many ranges there are.
  private(set) var rangeCount = 0

  private struct Place {
    var piece: Int
    var index: Int
  }

  /// How many numbers there are.
  var count: Int64 {
    pieces.reduce(0) { $0 + $1.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 } }
  }

  func contains(_ number: Int64) -> Bool { range(of: number) != nil }

  /// The range around a number.
  func range(of number: Int64) -> ClosedRange<Int64>? {
    guard let last = pieces.last?.last, number <= last.upperBound, let place = place(number) else { return nil }
    let range = pieces[place.piece][place.index]
    return range.contains(number) ? range : nil
  }

  /// The last range that begins at `number` or before it.
  private func place(_ number: Int64) -> Place? {
    let piece = Self.firstIndex(pieces.count) { pieces[$0][0].lowerBound > number } - 1
    if piece < 0 { return nil }
    let index = Self.firstIndex(pieces[piece].count) { pieces[piece][$0].lowerBound > number } - 1
    return Place(piece: piece, index: index)
  }

  /// The first index for which `isBehind` holds, as it then does for all behind it; `count` for none.
  private static func firstIndex(_ count: Int, _ isBehind: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBehind(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The range that the numbers now belong to.
  @discardableResult
  mutating func insert(_ added: ClosedRange<Int64>) -> ClosedRange<Int64> {
    if let piece = pieces.indices.last, let last = pieces[piece].last, last.upperBound < added.lowerBound {
      // By far the most frequent: the next number.
      if last.upperBound + 1 == added.lowerBound {
        let longer = last.lowerBound...added.upperBound
        pieces[piece][pieces[piece].count - 1] = longer
        return longer
      }
      put(added)
      return added
    }
    var merged = added
    while let place = place(merged.upperBound == .max ? .max : merged.upperBound + 1) {
      let other = pieces[place.piece][place.index]
      if other.upperBound < merged.lowerBound, other.upperBound + 1 < merged.lowerBound { break }
      merged = min(merged.lowerBound, other.lowerBound)...max(merged.upperBound, other.upperBound)
      remove(place)
    }
    put(merged)
    return merged
  }

  /// `removed` must lie in one range, as what was just inserted does.
  mutating func remove(_ removed: ClosedRange<Int64>) {
    guard let place = place(removed.lowerBound) else { return }
    let whole = pieces[place.piece][place.index]
    guard whole.contains(removed.lowerBound), whole.contains(removed.upperBound) else { return }
    remove(place)
    if whole.lowerBound < removed.lowerBound { put(whole.lowerBound...(removed.lowerBound - 1)) }
    if whole.upperBound > removed.upperBound { put((removed.upperBound + 1)...whole.upperBound) }
  }

  mutating func removeFirstRange() {
    if !pieces.isEmpty { remove(Place(piece: 0, index: 0)) }
  }

  /// Touches no other.
  private mutating func put(_ range: ClosedRange<Int64>) {
    rangeCount += 1
    guard let place = place(range.lowerBound) else {
      if pieces.isEmpty { pieces.append([]) }
      pieces[0].insert(range, at: 0)
      return split(0)
    }
    pieces[place.piece].insert(range, at: place.index + 1)
    split(place.piece)
  }

  private mutating func split(_ piece: Int) {
    let count = pieces[piece].count
    if count <= Self.pieceLimit { return }
    // They come nearly in order: one that is full at the end stays full.
    let cut = piece == pieces.count - 1 ? count - 1 : count / 2
    let behind = Array(pieces[piece][cut...])
    pieces[piece].removeLast(count - cut)
    pieces.insert(behind, at: piece + 1)
  }

  private mutating func remove(_ place: Place) {
    rangeCount -= 1
    pieces[place.piece].remove(at: place.index)
    if pieces[place.piece].isEmpty { pieces.remove(at: place.piece) }
  }
}

/// Exemplars as they lie in a block; see `RemoteWriteBlock`.
struct PromExemplars: Sequence, IteratorProtocol {
  struct Exemplar {
    var value: Double
    /// Milliseconds.
    var time: Int64
    var labels: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]
    /// Where the next one begins.
    var end: Int
  }

  private let bytes: [UInt8]
  private var at: Int
  private var left: Int

  init(_ bytes: [UInt8], at: Int, count: Int) {
    self.bytes = bytes
    self.at = at
    left = count
  }

  mutating func next() -> Exemplar? {
    guard left > 0 else { return nil }
    left -= 1
    var one = Exemplar(value: Double(bitPattern: word(8)), time: Int64(bitPattern: word(8)), labels: [], end: 0)
    for _ in 0..<word(8) {
      let name = text()
      one.labels.append((name, text()))
    }
    one.end = at
    return one
  }

  private mutating func text() -> ArraySlice<UInt8> {
    let count = Int(word(4))
    at += count
    return bytes[at - count..<at]
  }

  private mutating func word(_ size: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<size { word |= UInt64(bytes[at + index]) << UInt64(8 * index) }
    at += size
    return word
  }
}

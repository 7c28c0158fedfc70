import Testing

@testable import Forward

@Suite struct PositionTests {
  @Test func startsBehindARow() {
    let position = Position(after: 10)
    #expect(position.low == 10)
    #expect(position.isSettled(10))
    #expect(!position.isSettled(11))
  }

  @Test func waitsForTheRowsBeforeASettledOne() {
    var position = Position(after: 0)
    position.settle(5, 9)
    #expect(position.low == 0)
    #expect(position.isSettled(7))
    position.settle(1, 4)
    #expect(position.low == 9)
    #expect(position.settled.isEmpty)
  }

  @Test func agreesWithASetOfNumbers() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var position = Position(after: 0)
      var settled: Set<Int64> = []
      // Batches are disjoint and come in any order.
      var starts: [Int64] = [1]
      while let last = starts.last, last < 200 { starts.append(last + Int64.random(in: 1...20, using: &random)) }
      let spans = zip(starts, starts.dropFirst()).map { ($0, $1 - 1) }.shuffled(using: &random)
      for (first, last) in spans {
        position.settle(first, last)
        settled.formUnion(first...last)
        for id in Int64(1)...220 { #expect(position.isSettled(id) == settled.contains(id)) }
        var low: Int64 = 0
        while settled.contains(low + 1) { low += 1 }
        #expect(position.low == low)
      }
    }
  }

  @Test func skipsForward() {
    var position = Position(after: 0)
    position.settle(5, 9)
    position.settle(20, 22)
    position.skip(to: 7)
    #expect(position.low == 9)
    position.skip(to: 30)
    #expect(position.low == 30)
    #expect(position.settled.isEmpty)
  }
}

import Telemetry
import TestSupport
import Testing
import Wire

/// Bodies broken by chance: whatever they are, the answer is a batch or an error (CONFORMANCE LIM-06).
@Suite struct JSONFuzzTests {
  @Test(arguments: Signal.allCases)
  func answersEveryMutation(signal: Signal) {
    var random = SampleRandom(seed: UInt64(signal.rawValue) + 11)
    var taken = 0
    var refused = 0
    let vectors = VectorTests.cases.filter { $0.signal == signal }.map(\.body).filter { $0.count < 20_000 }
    let samples = (0..<40).map { OTLPSample(signal, seed: UInt64($0)).json }.filter { $0.count < 20_000 }
    for body in vectors + samples where !body.isEmpty {
      for _ in 0..<60 {
        let outcome = JSONOutcome(signal, Self.mutated(body, &random))
        if outcome.error == nil { taken += 1 } else { refused += 1 }
      }
    }
    #expect(taken > 100 && refused > 100)
  }

  /// Every place where a text can end.
  @Test(arguments: Signal.allCases)
  func refusesEveryCut(signal: Signal) throws {
    let body = try #require((0..<100).map { OTLPSample(signal, seed: $0).json }.first { $0.count > 1500 })
    for end in 0..<min(body.count, 4000) where end != body.count {
      #expect(JSONOutcome(signal, Array(body[..<end])).error != nil)
    }
  }

  /// One to three of: another byte, another bit, a byte gone, bytes twice, a token, a cut.
  private static func mutated(_ body: [UInt8], _ random: inout SampleRandom) -> [UInt8] {
    var body = body
    let tokens = ["\"", "\\", "{", "}", "[", "]", ":", ",", "null", "1e9", "-", "\\ud800", "\u{0}", "é"]
    for _ in 0...random.upTo(2) where !body.isEmpty {
      let at = random.upTo(body.count - 1)
      let end = min(body.count, at + 1 + random.upTo(20))
      switch random.upTo(6) {
      case 0: body[at] = UInt8(random.upTo(255))
      case 1: body[at] ^= 1 << UInt8(random.upTo(7))
      case 2: body.remove(at: at)
      case 3: body.insert(contentsOf: body[at..<end], at: at)
      case 4, 5: body.replaceSubrange(at..<at, with: Array(random.pick(tokens).utf8))
      default: body.removeLast(body.count - at)
      }
    }
    return body
  }
}

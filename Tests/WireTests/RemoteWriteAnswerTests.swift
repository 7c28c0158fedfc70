import Testing

@testable import Wire

/// What the headers of an answer say (CONFORMANCE RW-08), and the compression of a request (RW-01).
@Suite struct RemoteWriteAnswerTests {
  @Test func readsWhatWasWritten() {
    #expect(
      RemoteWriteAnswer(samples: "12", histograms: " 3 ", exemplars: "0")
        == RemoteWriteAnswer(samples: 12, histograms: 3, exemplars: 0))
    #expect(
      RemoteWriteAnswer(samples: nil, histograms: "3", exemplars: "?")
        == RemoteWriteAnswer(samples: 0, histograms: 3, exemplars: 0))
  }

  @Test(arguments: [nil, "", "-1", "1.5", "99999999999999999999", "none"])
  func takesAnAnswerWithoutNumbersForOneOfVersionOne(text: String?) {
    #expect(RemoteWriteAnswer(samples: text, histograms: nil, exemplars: text) == nil)
  }

  @Test func packsAndUnpacksSnappyBlocks() throws {
    for size in [0, 1, 100, 1 << 20] {
      let plain = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
      let packed = try #require(Snappy.compress(plain))
      #expect(try Snappy.decompress(packed, limit: size) == plain)
      if size > 100 { #expect(packed.count < size / 3) }
    }
  }

  @Test func boundsWhatComesOutOfABlock() throws {
    let packed = try #require(Snappy.compress([UInt8](repeating: 7, count: 5_000)))
    #expect(throws: InflateError.overLimit) { try Snappy.decompress(packed, limit: 4_999) }
    #expect(throws: InflateError.self) { try Snappy.decompress(Array(packed.dropLast()), limit: 1 << 20) }
    #expect(throws: InflateError.self) { try Snappy.decompress([], limit: 1 << 20) }
    let lying: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f, 1]
    #expect(throws: InflateError.overLimit) { try Snappy.decompress(lying, limit: 1 << 20) }
  }
}

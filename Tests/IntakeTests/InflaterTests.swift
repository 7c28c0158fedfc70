import CZstd
import TestSupport
import Testing
import Wire

struct InflaterTests {
  static func inflate(
    _ input: [UInt8], _ coding: ContentCoding = .gzip, limitBytes: Int = 1 << 20, budgetBytes: Int = .max
  ) -> Result<[UInt8], InflateError> {
    input.withUnsafeBytes { bytes in
      do throws(InflateError) {
        let output = try Inflater.inflate(bytes, coding, limitBytes: limitBytes) { $0 <= budgetBytes }
        return .success(Array(output.bytes))
      } catch {
        return .failure(error)
      }
    }
  }

  static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7 % 91 + 32) } }

  @Test(arguments: [0, 1, 100, 4095, 4096, 4097, 300_000])
  func givesBackWhatWasCompressed(_ count: Int) throws {
    let plain = Self.text(count)
    #expect(Self.inflate(try #require(Deflater.gzip(plain))) == .success(plain))
  }

  @Test func joinsMembers() throws {
    let parts = [Self.text(10), Self.text(200_000), [], Self.text(3)]
    let packed = try parts.flatMap { try #require(Deflater.gzip($0)) }
    #expect(Self.inflate(packed) == .success(parts.flatMap { $0 }))
  }

  @Test(arguments: [(999, false), (1000, true), (1001, true)])
  func stopsAtTheLimit(_ limitBytes: Int, _ passes: Bool) throws {
    let packed = try #require(Deflater.gzip(Self.text(1000)))
    #expect(Self.inflate(packed, limitBytes: limitBytes) == (passes ? .success(Self.text(1000)) : .failure(.overLimit)))
  }

  @Test func asksBeforeItTakesMemory() throws {
    let packed = try #require(Deflater.gzip(Array(repeating: 0, count: 900_000)))
    #expect(Self.inflate(packed, budgetBytes: 100_000) == .failure(.noRoom))
  }

  @Test func doesNotBelieveATrailerThatPromisesTooMuch() throws {
    var packed = try #require(Deflater.gzip(Self.text(50)))
    packed.replaceSubrange(packed.count - 4..<packed.count, with: [0xff, 0xff, 0xff, 0x7f])
    // The checksum of the length fails, and no more was asked for than the input could ever hold.
    #expect(Self.inflate(packed, limitBytes: 1 << 30, budgetBytes: packed.count * 1033) != .failure(.noRoom))
  }

  @Test func refusesEveryPrefix() throws {
    let packed = try #require(Deflater.gzip(Self.text(500)))
    for count in packed.indices { #expect(Self.inflate(Array(packed[..<count])) == .failure(.truncated)) }
  }

  @Test func refusesWhatFollowsTheEnd() throws {
    let packed = try #require(Deflater.gzip(Self.text(500)))
    guard case .failure(.malformed) = Self.inflate(packed + [0, 0, 0]) else {
      Issue.record("bytes behind the last member were taken")
      return
    }
  }

  static func zstd(_ plain: [UInt8]) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(plain.count))
    let count = ZSTD_compress(&packed, packed.count, plain, plain.count, 3)
    return Array(packed[..<count])
  }

  /// The same without the length in front, as senders write it that do not know it yet.
  static func zstdStream(_ plain: [UInt8]) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(plain.count) + 64)
    let context = ZSTD_createCCtx()
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)
    let count = ZSTD_compress2(context, &packed, packed.count, plain, plain.count)
    return Array(packed[..<count])
  }

  @Test(arguments: [0, 1, 100, 4095, 4096, 4097, 300_000])
  func givesBackWhatZstdCompressed(_ count: Int) {
    let plain = Self.text(count)
    #expect(Self.inflate(Self.zstd(plain), .zstd) == .success(plain))
    #expect(Self.inflate(Self.zstdStream(plain), .zstd) == .success(plain))
    #expect(Self.inflate(Self.zstd(plain) + Self.zstdStream([7]), .zstd) == .success(plain + [7]))
  }

  @Test(arguments: [(999, false), (1000, true), (1001, true)])
  func stopsAtTheLimitOfZstdToo(_ limitBytes: Int, _ passes: Bool) {
    for packed in [Self.zstd(Self.text(1000)), Self.zstdStream(Self.text(1000))] {
      let outcome = Self.inflate(packed, .zstd, limitBytes: limitBytes)
      #expect(outcome == (passes ? .success(Self.text(1000)) : .failure(.overLimit)))
    }
  }

  @Test func asksForTheMemoryOfZstd() {
    let plain = [UInt8](repeating: 0, count: 900_000)
    #expect(Self.inflate(Self.zstd(plain), .zstd, budgetBytes: 100_000) == .failure(.noRoom))
    #expect(Self.inflate(Self.zstdStream(plain), .zstd, budgetBytes: 1_000_000) == .failure(.noRoom))
  }

  @Test func refusesZstdThatIsCutOrLooksBackTooFar() {
    let packed = Self.zstd(Self.text(500))
    for count in packed.indices { #expect(Self.inflate(Array(packed[..<count]), .zstd) == .failure(.truncated)) }
    guard case .failure(.malformed) = Self.inflate(packed + [0, 0, 0, 0, 0], .zstd) else {
      Issue.record("bytes behind the last frame were taken")
      return
    }
    // Magic number, no length, a window of 128 MiB.
    guard case .failure(.malformed) = Self.inflate([0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0], .zstd) else {
      Issue.record("a window of 128 MiB was taken")
      return
    }
  }

  @Test func survivesMutatedStreams() throws {
    var generator = SampleRandom(seed: 1)
    let packed = try #require(Deflater.gzip(Self.text(5000)))
    for coding in [ContentCoding.gzip, .deflate, .zstd] {
      for _ in 0..<5000 {
        var bytes = packed
        if coding == .deflate { bytes = Array(packed.dropFirst(10).dropLast(8)) }
        if coding == .zstd { bytes = Self.zstd(Self.text(5000)) }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        if case .success(let plain) = Self.inflate(bytes, coding, limitBytes: 20_000) { #expect(plain.count <= 20_000) }
      }
    }
  }
}

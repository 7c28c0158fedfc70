import Glibc
import Telemetry
import TestSupport
import Wire

/// From OTLP/JSON to the parcels of a builder.
enum ParcelLab {
  static let now: Int64 = 1_700_000_000_000_000_042

  static func batch(_ signal: Signal, _ json: String) throws -> Batch { try batch(signal, Array(json.utf8)) }

  static func batch(_ signal: Signal, _ json: [UInt8]) throws -> Batch {
    try json.withUnsafeBytes { try OTLPDecoder.decodeJSON(signal, $0, options: DecodeOptions(now: now)) }
  }

  /// Requests of all kinds of odd records.
  static func samples(_ signal: Signal, _ seeds: Range<UInt64>) throws -> [Batch] {
    try seeds.map { try batch(signal, OTLPSample(signal, seed: $0).json) }
  }

  @discardableResult
  static func add(
    _ batch: Batch, to builder: any ParcelBuilder, firstID: Int64 = 1, receivedAt: Int64 = now
  ) -> [ParcelTake] {
    var takes: [ParcelTake] = []
    batch.forEachRecord(firstID: firstID, receivedAt: receivedAt) { takes.append(builder.add($0)) }
    return takes
  }

  static func parcels(
    _ builder: any ParcelBuilder, _ signal: Signal, _ json: String, receivedAt: Int64 = now
  ) throws -> [any Parcel] {
    add(try batch(signal, json), to: builder, receivedAt: receivedAt)
    return builder.cut(laneCount: 4)
  }

  static func body(_ parcel: any Parcel, form: Int = 0) -> [UInt8] {
    parcel.body(0..<parcel.items.count, form: form)
  }

  static func text(_ parcel: (any Parcel)?, form: Int = 0) -> String {
    parcel.map { String(decoding: body($0, form: form), as: UTF8.self) } ?? ""
  }

  static func tree(_ parcel: (any Parcel)?, form: Int = 0) -> JSONTree {
    JSONTree(parcel.map { body($0, form: form) } ?? [])
  }

  /// Some ways to cut the items of a parcel into pieces.
  static func splits(_ count: Int, _ random: inout SampleRandom) -> [[Range<Int>]] {
    var splits = [(0..<count).map { $0..<$0 + 1 }]
    for _ in 0..<4 {
      var ranges: [Range<Int>] = []
      var start = 0
      while start < count {
        let end = start + 1 + random.upTo(count - start - 1)
        ranges.append(start..<end)
        start = end
      }
      splits.append(ranges)
    }
    return splits
  }

  static func fixture(_ path: String) -> [UInt8] {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    guard let file = fopen("/\(folder)/Fixtures/\(path)", "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  // MARK: damage

  /// Gives a builder rows whose JSON was broken by chance; counts what it took and what it refused.
  static func damage(
    _ make: () -> any ParcelBuilder, _ signal: Signal, seeds: Range<UInt64>, rounds: Int
  ) throws -> (taken: Int, refused: Int) {
    var random = SampleRandom(seed: 7)
    var taken = 0
    var refused = 0
    for batch in try samples(signal, seeds) {
      for _ in 0..<rounds {
        let builder = make()
        batch.forEachRecord(receivedAt: now) { record in
          let texts = [
            record.data, record.ext, record.resource.attributes, record.scope.attributes, record.seriesAttributes,
          ]
          let pieces = texts.map { Memory($0, &random) }
          var broken = record
          broken.data = pieces[0].bytes
          broken.ext = pieces[1].bytes
          broken.resource.attributes = pieces[2].bytes
          broken.scope.attributes = pieces[3].bytes
          broken.seriesAttributes = pieces[4].bytes
          switch builder.add(broken) {
          case .taken, .absorbed: taken += 1
          case .refused: refused += 1
          case .duplicate, .skipped: break
          }
          withExtendedLifetime(pieces) {}
        }
        for parcel in builder.cut(laneCount: 2) { for form in 0...1 { _ = body(parcel, form: form) } }
      }
    }
    return (taken, refused)
  }

  /// A copy without room behind it; in one of three a byte is changed or the end cut off.
  private final class Memory {
    let bytes: UnsafeRawBufferPointer

    init(_ original: UnsafeRawBufferPointer, _ random: inout SampleRandom) {
      var copy = Array(original)
      if !copy.isEmpty && random.one(in: 6) {
        switch random.upTo(2) {
        case 0: copy.removeLast(random.upTo(copy.count - 1))
        case 1: copy[random.upTo(copy.count - 1)] = UInt8(random.upTo(255))
        default: copy[random.upTo(copy.count - 1)] = random.pick(Array("{}[]\",:\\0e$".utf8))
        }
      }
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: copy.count, alignment: 1)
      memory.copyBytes(from: copy)
      bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
  }
}

import Telemetry
import TestSupport
import Testing
import Wire

/// Rows whose JSON nobody wrote: they are refused, and nothing else happens.
@Suite struct OTLPParcelDamageTests {
  private static let both = [OTLPParcelOptions.Encoding.protobuf, .json]

  private static func record(_ id: Int64, _ kind: RowKind, _ data: [UInt8], _ ext: [UInt8] = []) -> OwnedRecord {
    OwnedRecord(id: id, kind: kind, data: data, ext: ext)
  }

  /// A record with its texts.
  private struct OwnedRecord {
    var id: Int64
    var kind: RowKind
    var data: [UInt8]
    var ext: [UInt8]
    var resource: [UInt8] = []
    var metric = MetricType.gauge

    func add(to builder: OTLPParcelBuilder) -> ParcelTake {
      data.withUnsafeBytes { data in
        ext.withUnsafeBytes { ext in
          resource.withUnsafeBytes { resource in
            withUnsafeBytes(of: (UInt64(3), UInt64(4))) { trace in
              var record = OTLPRecord(id: id, kind: kind)
              record.time = 5
              record.trace = trace
              record.span = UnsafeRawBufferPointer(rebasing: trace[..<8])
              record.resource.attributes = resource
              record.metric.type = metric
              record.bits = kind == .log || kind == .spanEvent ? Bits.attributesMoved : 0
              if kind.isPoint { record.seriesAttributes = data } else { record.data = data }
              if kind == .distribution { record.data = ext }
              record.ext = ext
              return builder.add(record)
            }
          }
        }
      }
    }
  }

  @Test(arguments: both)
  func aRowThatCannotBeReadIsRefusedAndLeavesTheOthersAlone(encoding: OTLPParcelOptions.Encoding) throws {
    let builder = OTLPParcelBuilder(OTLPParcelLab.options(encoding))
    let good = Array("{\"a\":1}".utf8)
    let bad = Array("{\"a\":".utf8)
    #expect(Self.record(1, .span, good).add(to: builder) == .taken)
    #expect(Self.record(2, .spanEvent, good).add(to: builder) == .taken)
    #expect(Self.record(3, .spanEvent, bad).add(to: builder) == .refused("invalid"))
    #expect(Self.record(4, .spanEvent, good).add(to: builder) == .taken)
    #expect(Self.record(5, .span, bad).add(to: builder) == .refused("invalid"))
    #expect(Self.record(6, .spanEvent, good).add(to: builder) == .skipped)
    #expect(Self.record(7, .span, good, bad).add(to: builder) == .refused("invalid"))
    var other = Self.record(8, .span, good)
    other.resource = bad
    #expect(other.add(to: builder) == .refused("invalid"))
    #expect(Self.record(9, .span, good).add(to: builder) == .taken)
    #expect(Self.record(10, .log, good).add(to: builder) == .taken)
    // A log record ends the span.
    #expect(Self.record(11, .spanEvent, good).add(to: builder) == .skipped)
    var point = Self.record(12, .number, good)
    point.metric = .histogram
    #expect(point.add(to: builder) == .refused("invalid"))
    #expect(builder.pendingRecords == 3)
    let parcels = builder.cut(laneCount: 1)
    #expect(parcels.map(\.road) == [0, 2] && parcels[0].items.map(\.id) == [1, 9])
    let sent = try OTLPParcelLab.decoded(.traces, OTLPParcelLab.body(parcels[0]), encoding)
    #expect(sent.rows.map(\.kind) == [.span, .spanEvent, .spanEvent, .span] && sent.rejectedCount == 0)
    #expect((0..<4).allSatisfy { sent.data($0) == "{\"a\":1}" })
  }

  private static let seeds: [(RowKind, MetricType, String, String)] = [
    (
      .span, .gauge, "{\"a\":1,\"b\":[1.5,null,{\"$bytes\":\"AA==\"}],\"$$c\":{\"x\":{\"y\":-7}}}",
      "{\"kind\":99,\"links\":[{\"trace_id\":\"00\",\"attributes\":{\"x\":true},\"flags\":3}],\"status\":7,"
        + "\"status_message\":\"m\",\"trace_state\":\"s\",\"dropped_links_count\":4,\"time\":\"18446744073709551615\"}"
    ),
    (.spanEvent, .gauge, "{\"attributes\":{\"attributes\":1},\"b\":2}", "{\"dropped_attributes_count\":2}"),
    (
      .log, .gauge, "{\"body\":{\"$double\":\"NaN\"},\"$$k\":\"v\",\"attributes\":{\"body\":1}}",
      "{\"severity_text\":\"x\",\"severity_number\":-1}"
    ),
    (
      .number, .sum, "{\"s\":1}",
      "{\"value\":{\"$double\":\"NaN\"},\"exemplars\":[{\"value\":1.5,\"span_id\":\"eee19b7ec3c1b174\","
        + "\"filtered_attributes\":{\"a\":\"b\"}}]}"
    ),
    (
      .distribution, .histogram, "{\"s\":1}",
      "{\"count\":3,\"sum\":1.5,\"min\":0.5,\"bounds\":[1.0],\"counts\":[1,2],\"exemplars\":[{\"value\":3}]}"
    ),
    (
      .distribution, .exponentialHistogram, "{\"s\":1}",
      "{\"count\":3,\"scale\":-2,\"zero_threshold\":0.1,\"zero_count\":1,"
        + "\"positive\":{\"offset\":-1,\"counts\":[\"9\"]},\"negative\":{\"offset\":0,\"counts\":[]}}"
    ),
    (.distribution, .summary, "{\"s\":1}", "{\"sum\":1.0,\"quantiles\":[{\"quantile\":0.5,\"value\":1.0}]}"),
  ]

  private static func mutated(_ text: String, _ random: inout SampleRandom) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<random.upTo(3) where !bytes.isEmpty {
      let at = random.upTo(bytes.count - 1)
      switch random.upTo(3) {
      case 0: bytes[at] = UInt8(random.upTo(255))
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(random.pick(Array("{}[]\",:0e.\\$".utf8)), at: at)
      default: bytes.removeLast(bytes.count - at)
      }
    }
    return bytes
  }

  @Test func mutatedRowsAreRefusedOrMakeARequestThatCanBeRead() throws {
    var random = SampleRandom(seed: 21)
    var taken = 0
    var refused = 0
    let builder = OTLPParcelBuilder(
      OTLPParcelLab.options {
        $0.attributes = AttributeFilter(deny: ["z*"])
        $0.serviceNameRequired = true
        $0.provenance = OTLPParcelOptions.Provenance(storeID: "s")
      })
    for round in 0..<8_000 {
      let (kind, metric, data, ext) = Self.seeds[round % Self.seeds.count]
      let isData = random.one(in: 2)
      let changed = Self.mutated(isData ? data : ext, &random)
      var record = Self.record(
        Int64(round), kind, isData ? changed : Array(data.utf8), isData ? Array(ext.utf8) : changed)
      record.metric = metric
      if random.one(in: 4) {
        record.resource = Self.mutated("{\"service.name\":\"a\",\"b\":[{\"$double\":\"Infinity\"}]}", &random)
      }
      switch record.add(to: builder) {
      case .taken: taken += kind.isRecord ? 1 : 0
      case .refused: refused += 1
      default: break
      }
      guard round % 50 == 49 else { continue }
      let pending = builder.pendingRecords
      var read = 0
      for parcel in builder.cut(laneCount: 2) {
        let signal = try #require(Signal(rawValue: UInt8(parcel.road)))
        let sent = try OTLPParcelLab.decoded(signal, OTLPParcelLab.body(parcel), .protobuf)
        // A far end may refuse what is no valid record any more, e.g. a bucket too many; it reads the others.
        read += sent.recordCount + sent.rejectedCount
      }
      #expect(read == pending)
    }
    #expect(taken > 1_000 && refused > 1_000, "\(taken) \(refused)")
  }

  @Test func mutatedRowsDoNotCrashTheJSONForm() {
    var random = SampleRandom(seed: 22)
    let builder = OTLPParcelBuilder(
      OTLPParcelLab.options(.json) {
        $0.attributes = AttributeFilter(deny: ["z*"])
        $0.serviceNameRequired = true
      })
    for round in 0..<8_000 {
      let (kind, metric, data, ext) = Self.seeds[round % Self.seeds.count]
      var record = Self.record(Int64(round), kind, Self.mutated(data, &random), Self.mutated(ext, &random))
      record.metric = metric
      record.resource = Self.mutated("{\"service.name\":\"a\",\"\\u0061b\":{}}", &random)
      _ = record.add(to: builder)
      guard round % 50 == 49 else { continue }
      for parcel in builder.cut(laneCount: 1) {
        // A body is one JSON text in any case.
        let body = OTLPParcelLab.body(parcel)
        #expect(body.first == UInt8(ascii: "{") && body.last == UInt8(ascii: "}"))
      }
    }
  }

  @Test(arguments: both)
  func theDeepestValuesDoNotUseUpTheStack(encoding: OTLPParcelOptions.Encoding) {
    onSmallStack {
      for (depth, take) in [(900, ParcelTake.taken), (5_000, .refused("invalid"))] {
        for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
          let value = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
          let builder = OTLPParcelBuilder(OTLPParcelLab.options(encoding))
          #expect(Self.record(1, .span, Array("{\"a\":\(value)}".utf8)).add(to: builder) == take)
        }
      }
    }
  }

  @Test func aColumnThatIsNoUTF8IsMended() throws {
    let builder = OTLPParcelBuilder(OTLPParcelLab.options())
    let name: [UInt8] = [0x61, 0xff, 0xc3, 0xbc, 0xe2, 0x82]
    name.withUnsafeBytes { name in
      withUnsafeBytes(of: (UInt64(3), UInt64(4))) { trace in
        var record = OTLPRecord(id: 1, kind: .span)
        record.trace = trace
        record.span = UnsafeRawBufferPointer(rebasing: trace[..<8])
        record.event = name
        #expect(builder.add(record) == .taken)
      }
    }
    let body = builder.cut(laneCount: 1).first.map(OTLPParcelLab.body) ?? []
    #expect(body.contains(0xff) == false)
    #expect(try OTLPParcelLab.decoded(.traces, body, .protobuf).name(0) == "a\u{FFFD}ü\u{FFFD}\u{FFFD}")
  }
}

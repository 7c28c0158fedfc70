import Telemetry
import TestSupport
import Testing
import Wire

/// Which entries go together, in which order, and what is remembered of streams.
@Suite struct LokiStreamTests {
  static let now = ParcelLab.now
  static let hour: Int64 = 3_600_000_000_000

  static func request(_ times: [Int64], service: String = "s", line: String = "x") -> String {
    LokiBuilderTests.request(
      times.map { LokiBuilderTests.record($0, line) }.joined(separator: ","),
      resource: LokiBuilderTests.attribute("service.name", service))
  }

  static func add(
    _ times: [Int64], to builder: LokiBuilder, service: String = "s", receivedAt: Int64 = now, line: String = "x"
  ) throws {
    let batch = try ParcelLab.batch(.logs, request(times, service: service, line: line))
    #expect(ParcelLab.add(batch, to: builder, receivedAt: receivedAt).allSatisfy { $0 == .taken })
  }

  @Test func sendsAStreamAParcelInOrderOfTime() throws {
    let builder = LokiBuilder()
    try Self.add([Self.now - 1, Self.now - 3, Self.now - 2], to: builder)
    try Self.add([Self.now], to: builder, service: "other")
    try Self.add([Self.now - 4], to: builder)
    let parcels = builder.cut(laneCount: 4)
    #expect(parcels.map { $0.items.map(\.time) } == [(1...4).map { Self.now - 5 + $0 }, [Self.now]])
    #expect(parcels[0].lane != nil && parcels[0].lane != parcels[1].lane)
    #expect(parcels.allSatisfy { $0.road == LokiRoad.usual })
    #expect(builder.pendingRecords == 0 && builder.pendingBytes == 0 && builder.activeStreams == 2)
  }

  /// What Loki would refuse goes alone, so that nothing else is refused with it.
  @Test func sendsWhatMayBeRefusedByItself() throws {
    let builder = LokiBuilder()
    let hour = Self.hour
    // Before anything was sent nothing is late.
    try Self.add([Self.now, Self.now - 2 * hour], to: builder)
    #expect(builder.cut(laneCount: 4).map(\.road) == [LokiRoad.usual])
    try Self.add(
      [Self.now - 2 * hour, Self.now, Self.now - hour, Self.now + hour / 6, Self.now + hour, Self.now - 169 * hour],
      to: builder)
    let parcels = builder.cut(laneCount: 4)
    #expect(parcels.map(\.road) == [LokiRoad.usual, LokiRoad.late, LokiRoad.tooOld, LokiRoad.future])
    #expect(parcels[0].items.map(\.time) == [Self.now - hour, Self.now, Self.now + hour / 6])
    #expect(Set(parcels.map(\.lane)).count == 1)
  }

  @Test func cutsAStreamIntoRequestsOfAMebibyte() throws {
    let builder = LokiBuilder()
    let line = String(repeating: "l", count: 1_000)
    try Self.add((0..<2_500).map { Self.now + Int64($0) }, to: builder, line: line)
    let parcels = builder.cut(laneCount: 4)
    #expect(parcels.count == 3)
    #expect(parcels.allSatisfy { ParcelLab.body($0).count <= 1 << 20 && $0.lane == parcels[0].lane })
    #expect(parcels.flatMap { $0.items.map(\.time) } == (0..<2_500).map { Self.now + Int64($0) })
  }

  @Test func limitsStreams() throws {
    var options = LokiOptions()
    options.maxStreams = 2
    options.labels = ["service.name", "host"]
    let builder = LokiBuilder(options)
    func send(_ host: String, _ receivedAt: Int64) throws -> String {
      let resource = [
        LokiBuilderTests.attribute("service.name", "s"), LokiBuilderTests.attribute("host", host),
      ].joined(separator: ",")
      let json = LokiBuilderTests.request(LokiBuilderTests.record(receivedAt), resource: resource)
      let parcel = try ParcelLab.parcels(builder, .logs, json, receivedAt: receivedAt).first as? LokiParcel
      return parcel?.labels ?? ""
    }
    #expect(try send("a", Self.now) == "{host=\"a\", service_name=\"s\"}")
    #expect(try send("b", Self.now) == "{host=\"b\", service_name=\"s\"}")
    #expect(try send("c", Self.now) == "{service_name=\"s\"}")
    #expect(try send("a", Self.now + Self.hour) == "{host=\"a\", service_name=\"s\"}")
    #expect(builder.limitedCount == 1 && builder.activeStreams == 2)
    // `b` has been silent for more than an hour.
    #expect(try send("c", Self.now + Self.hour + 1) == "{host=\"c\", service_name=\"s\"}")
    #expect(try send("b", Self.now + Self.hour + 2) == "{service_name=\"s\"}")
  }

  @Test func remembersAcrossARestart() throws {
    var options = LokiOptions()
    options.maxStreams = 1
    let first = LokiBuilder(options)
    try Self.add([Self.now], to: first)
    try Self.add([Self.now], to: first, service: "too many")
    _ = first.cut(laneCount: 1)
    let second = LokiBuilder(options)
    #expect(second.restore(first.state()))
    #expect(second.state() == first.state() && second.activeStreams == 1 && second.limitedCount == 1)
    for builder in [first, second] {
      try Self.add([Self.now, Self.now - 2 * Self.hour], to: builder)
      try Self.add([Self.now], to: builder, service: "new")
    }
    let parcels = [first, second].map { $0.cut(laneCount: 1) }
    #expect(parcels[0].map { ParcelLab.body($0) } == parcels[1].map { ParcelLab.body($0) })
    #expect(parcels[0].map(\.road) == parcels[1].map(\.road) && parcels[0].map(\.lane) == parcels[1].map(\.lane))
    #expect(parcels[0].map(\.road) == [LokiRoad.usual, LokiRoad.late, LokiRoad.usual])
  }

  @Test func refusesAStateItDoesNotKnow() {
    let builder = LokiBuilder()
    #expect(builder.restore([]))
    #expect(!builder.restore([1, 2, 3]))
    #expect(!builder.restore([UInt8](repeating: 9, count: 24)))
    #expect(!builder.restore([1] + [UInt8](repeating: 0, count: 31)))
  }

  // MARK: pieces

  static func entries(_ body: [UInt8]) -> [[UInt8]] {
    ProtoReader(body)?.messages(1).flatMap { stream in
      stream.values(2).map { if case .bytes(let bytes) = $0 { bytes } else { [] } }
    } ?? []
  }

  @Test func splitsAnywhere() throws {
    var random = SampleRandom(seed: 9)
    var entryCount = 0
    for batch in try ParcelLab.samples(.logs, 0..<30) {
      let builder = LokiBuilder()
      #expect(ParcelLab.add(batch, to: builder).allSatisfy { $0 == .taken })
      let parcels = builder.cut(laneCount: 2)
      #expect(parcels.reduce(0) { $0 + $1.items.count } == batch.recordCount)
      for parcel in parcels {
        let whole = Self.entries(ParcelLab.body(parcel))
        entryCount += whole.count
        #expect(whole.count == parcel.items.count)
        for split in ParcelLab.splits(parcel.items.count, &random) {
          #expect(split.flatMap { Self.entries(parcel.body($0, form: 0)) } == whole)
        }
      }
    }
    #expect(entryCount > 100)
  }

  /// The two forms say the same.
  @Test func saysTheSameInJSON() throws {
    for batch in try ParcelLab.samples(.logs, 0..<30) {
      let builder = LokiBuilder()
      ParcelLab.add(batch, to: builder)
      for parcel in builder.cut(laneCount: 2) {
        let json = LokiBuilderTests.entries(ParcelLab.tree(parcel, form: LokiForm.json))
        let proto = Self.entries(ParcelLab.body(parcel)).compactMap { ProtoReader($0) }
        #expect(json.count == proto.count)
        for (one, other) in zip(json, proto) {
          let stamp = other.messages(1).first
          let seconds = Int64(bitPattern: stamp?.number(1) ?? 0)
          #expect(one.time == String(seconds * 1_000_000_000 + Int64(stamp?.number(2) ?? 0)))
          #expect(one.line == other.text(2) ?? "")
          let pairs = other.messages(3).map { ($0.text(1) ?? "", $0.text(2) ?? "") }
          #expect(Set(pairs.map(\.0)).count == pairs.count)
          #expect(one.metadata == Dictionary(pairs) { _, last in last })
        }
      }
    }
  }

  @Test func survivesDamage() throws {
    let result = try ParcelLab.damage({ LokiBuilder() }, .logs, seeds: 0..<20, rounds: 20)
    #expect(result.taken > 100 && result.refused > 50)
  }

  // MARK: answers

  @Test(arguments: [
    ("entry with timestamp 2023 ignored, reason: 'entry too far behind'; total ignored: 3 out of 10", 3),
    ("user 'fake', total ignored: 12 out of 12 for stream: {a=\"b\"}", 12),
    ("3 errors like: entry for stream '{}' has timestamp too old\n2 errors like: too new", 5),
    ("1 errors like: x", 1), ("stream limit reached", nil), ("", nil), ("total ignored: out of", nil),
    ("total ignored: 99999999999999999999999 out of", 1_000_000_000),
  ])
  func countsWhatLokiIgnored(text: String, count: Int?) {
    #expect(LokiAnswer.ignored(in: Array(text.utf8)) == count)
  }
}

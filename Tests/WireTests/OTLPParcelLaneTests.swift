import Telemetry
import TestSupport
import Testing
import Wire

/// Who goes with whom, and what a Garner that takes the records learns of them.
@Suite struct OTLPParcelLaneTests {
  private static let both = [OTLPParcelOptions.Encoding.protobuf, .json]

  private static func logs(_ services: [String], each: Int) throws -> Batch {
    let resources = services.map { service in
      let scopes = ["a", "b"].map { scope in
        let records = (0..<each).map { "{\"timeUnixNano\":\"\($0 + 5)\"}" }.joined(separator: ",")
        return "{\"scope\":{\"name\":\"\(scope)\"},\"logRecords\":[\(records)]}"
      }
      return "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"\(service)\"}},"
        + "{\"key\":\"garner.ids\",\"value\":{\"stringValue\":\"forged\"}}]},"
        + "\"scopeLogs\":[\(scopes.joined(separator: ","))]}"
    }
    return try OTLPParcelLab.batch(.logs, "{\"resourceLogs\":[\(resources.joined(separator: ","))]}")
  }

  @Test func whatHasNoOrderIsSpreadOnlyWhenThereIsMuchOfIt() throws {
    let batch = try Self.logs(["x"], each: 1_500)
    for (laneCount, count) in [(1, 1), (2, 2), (4, 3), (0, 1)] {
      let parcels = OTLPParcelLab.parcels(batch, OTLPParcelLab.options(), laneCount: laneCount)
      #expect(parcels.count == count && parcels.allSatisfy { $0.lane == nil })
      #expect(parcels.flatMap(\.items).map(\.id) == Array(1...3_000))
      #expect(parcels.allSatisfy { $0.items.count >= 1_000 && $0.byteCount > 0 })
    }
    #expect(OTLPParcelLab.parcels(try Self.logs(["x"], each: 900), OTLPParcelLab.options(), laneCount: 4).count == 1)
  }

  @Test func recordsOfASourceStayInOneLane() throws {
    let names = (0..<20).map { "service-\($0)" }
    let batch = try Self.logs(names, each: 3)
    let options = OTLPParcelLab.options { $0.laneBySource = .all }
    let parcels = OTLPParcelLab.parcels(batch, options, laneCount: 4)
    #expect(parcels.count > 1 && parcels.count <= 4 && Set(parcels.map(\.lane)).count == parcels.count)
    #expect(parcels.reduce(0) { $0 + $1.items.count } == batch.recordCount)
    var lanes: [String: UInt64] = [:]
    for parcel in parcels {
      let ids = parcel.items.map(\.id)
      #expect(ids == ids.sorted())
      let sent = try OTLPParcelLab.decoded(.logs, OTLPParcelLab.body(parcel), .protobuf)
      for context in sent.contexts {
        let lane = try #require(parcel.lane)
        #expect(lanes.updateValue(lane, forKey: sent.text(context.source)) ?? lane == lane)
      }
    }
    #expect(lanes.count == names.count)
    // The same in every process: written down once.
    #expect(parcels.map { $0.lane ?? 9 } == OTLPParcelLab.parcels(batch, options, laneCount: 4).map { $0.lane ?? 9 })
    // Only metrics are ordered unless all are.
    #expect(OTLPParcelLab.parcels(batch, OTLPParcelLab.options(), laneCount: 4).map(\.lane) == [nil])
  }

  // MARK: provenance

  private static let store = "0198c0de-0000-7000-8000-000000000001"

  /// Ids of the records of each resource, by the text of `garner.ids`.
  private static func ids(_ stored: String) -> [Int64] {
    let text = JSONTree(Array(stored.utf8))["garner.ids"]?["$bytes"]?.string ?? ""
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var bits: [UInt8] = []
    for character in text {
      guard let value = alphabet.firstIndex(of: character) else { continue }
      bits += (0..<6).map { UInt8(value >> (5 - $0) & 1) }
    }
    var ids: [Int64] = []
    var number: UInt64 = 0
    var shift: UInt64 = 0
    for start in stride(from: 0, to: bits.count / 8 * 8, by: 8) {
      let byte = bits[start..<start + 8].reduce(0) { $0 << 1 | $1 }
      number |= UInt64(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 {
        ids.append(Int64(bitPattern: number) &+ (ids.last ?? 0))
        number = 0
        shift = 0
      }
    }
    return ids
  }

  @Test(arguments: both)
  func aResourceSaysWhereItsRecordsAreFrom(encoding: OTLPParcelOptions.Encoding) throws {
    let batch = try Self.logs(["x", "y"], each: 2)
    let options = OTLPParcelLab.options(encoding) {
      $0.provenance = OTLPParcelOptions.Provenance(storeID: Self.store, protectedKeyID: "key-1")
      $0.laneBySource = .all
    }
    let builder = OTLPParcelBuilder(options)
    // Scopes alternate: the order of the message is not that of the ids.
    for place in [4, 0, 6, 1, 2, 5, 3, 7] {
      var at = 0
      batch.forEachRecord(firstID: 300) { record in
        if at == place { #expect(builder.add(record) == .taken) }
        at += 1
      }
    }
    let parcels = builder.cut(laneCount: 1)
    let parcel = try #require(parcels.first)
    let sent = try OTLPParcelLab.decoded(.logs, OTLPParcelLab.body(parcel), encoding)
    let resources = sent.resources.map { sent.text($0.attributes) }
    #expect(resources.map(Self.ids) == [[304, 305, 306, 307], [300, 301, 302, 303]])
    for (resource, service) in zip(resources, ["y", "x"]) {
      #expect(resource.contains("\"garner.store\":\"\(Self.store)\"") && !resource.contains("forged"))
      #expect(resource.contains("\"garner.source\":\"\(service)\""), "\(resource)")
      #expect(resource.contains("\"garner.protected\":\"key-1\""))
    }
    let part = try OTLPParcelLab.decoded(.logs, parcel.body(1..<4, form: 0), encoding)
    #expect(part.resources.map { Self.ids(part.text($0.attributes)) } == [[300, 301], [306]])
  }

  @Test(arguments: both)
  func aRecordThatCameFromAnotherGarnerKeepsItsName(encoding: OTLPParcelOptions.Encoding) throws {
    let options = OTLPParcelLab.options(encoding) {
      $0.provenance = OTLPParcelOptions.Provenance(storeID: Self.store)
    }
    let other = "0198c0de-0000-7000-8000-00000000000f"
    let builder = OTLPParcelBuilder(options)
    let uids = ["\(other):41", "\(other):7", "", "not:one:5", "\(other):99999999999999999999"]
    for (place, uid) in uids.enumerated() {
      Array(uid.utf8).withUnsafeBytes { uid in
        withUnsafeBytes(of: (UInt64(3), UInt64(4))) { trace in
          var record = OTLPRecord(id: 1_000 + Int64(place), kind: .span)
          record.trace = trace
          record.span = UnsafeRawBufferPointer(rebasing: trace[..<8])
          record.uid = uid
          #expect(builder.add(record) == .taken)
        }
      }
    }
    let body = builder.cut(laneCount: 1).first.map(OTLPParcelLab.body) ?? []
    let sent = try OTLPParcelLab.decoded(.traces, body, encoding)
    let resources = sent.resources.map { sent.text($0.attributes) }
    #expect(resources.map(Self.ids) == [[41, 7], [1_002, 1_003, 1_004]])
    #expect(resources[0].contains(other) && resources[1].contains(Self.store))
    #expect(!resources[0].contains("garner.protected"))
  }
}

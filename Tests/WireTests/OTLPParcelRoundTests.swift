import COTLP
import Telemetry
import TestSupport
import Testing
import Wire

/// What came in goes out.
@Suite struct OTLPParcelRoundTests {
  private static func sample(_ signal: Signal, _ seed: Int) throws -> Batch {
    let sample = OTLPSample(signal, seed: UInt64(seed) &+ 5_000)
    return try OTLPParcelLab.decoded(signal, sample.protobuf, .protobuf)
  }

  @Test(arguments: Signal.allCases, [OTLPParcelOptions.Encoding.protobuf, .json])
  func sendsWhatAnExportWouldWriteAndWhatCameIn(signal: Signal, encoding: OTLPParcelOptions.Encoding) throws {
    var records = 0
    for seed in 0..<300 {
      let batch = try Self.sample(signal, seed)
      guard batch.recordCount > 0 else { continue }
      records += batch.recordCount
      let parcels = OTLPParcelLab.parcels(batch, OTLPParcelLab.options(encoding) { $0.laneBySource = .none })
      try #require(parcels.count == 1)
      #expect(parcels[0].items.count == batch.recordCount && parcels[0].road == Int(signal.rawValue))
      let sent = try OTLPParcelLab.decoded(signal, OTLPParcelLab.body(parcels[0]), encoding)
      let found = OTLPParcelLab.texts(sent)
      let expected = OTLPParcelLab.texts(try OTLPParcelLab.exported(batch))
      let isWhole = found == OTLPParcelLab.texts(batch)
      #expect(isWhole, "seed \(seed)")
      if let (found, expected) = zip(found, expected).first(where: { $0 != $1 }) {
        Issue.record("seed \(seed):\nsent     \(found)\nexported \(expected)")
        return
      }
      let again = OTLPParcelLab.parcels(sent, OTLPParcelLab.options(encoding) { $0.laneBySource = .none })
      #expect(again.map(OTLPParcelLab.body) == parcels.map(OTLPParcelLab.body), "seed \(seed)")
    }
    #expect(records > 500)
  }

  @Test(arguments: Signal.allCases)
  func protobufCReadsARequestLikeOurDecoder(signal: Signal) throws {
    for seed in 0..<200 {
      let batch = try Self.sample(signal, seed)
      for parcel in OTLPParcelLab.parcels(batch, OTLPParcelLab.options { $0.laneBySource = .none }) {
        // Without zero bytes in texts, which end a text of C.
        let scanner = ProtoScanner(OTLPParcelLab.body(parcel), Self.descriptor(signal))
        try #require(scanner.findings.isEmpty, "seed \(seed)")
        let ours = OracleLines(try OTLPParcelLab.decoded(signal, scanner.body, .protobuf))
        let isEqual = ours == Self.oracle(signal, scanner.body)
        #expect(isEqual, "seed \(seed)")
      }
    }
  }

  private static func descriptor(_ signal: Signal) -> ProtobufCMessageDescriptor {
    switch signal {
    case .traces: otlp__export_trace_service_request__descriptor
    case .metrics: otlp__export_metrics_service_request__descriptor
    case .logs: otlp__export_logs_service_request__descriptor
    }
  }

  /// Nil: protobuf-c refuses.
  private static func oracle(_ signal: Signal, _ body: [UInt8]) -> OracleLines? {
    switch signal {
    case .traces:
      guard let request = otlp__export_trace_service_request__unpack(nil, body.count, body) else { return nil }
      defer { otlp__export_trace_service_request__free_unpacked(request, nil) }
      return OracleLines(request.pointee)
    case .metrics:
      guard let request = otlp__export_metrics_service_request__unpack(nil, body.count, body) else { return nil }
      defer { otlp__export_metrics_service_request__free_unpacked(request, nil) }
      return OracleLines(request.pointee)
    case .logs:
      guard let request = otlp__export_logs_service_request__unpack(nil, body.count, body) else { return nil }
      defer { otlp__export_logs_service_request__free_unpacked(request, nil) }
      return OracleLines(request.pointee)
    }
  }

  @Test(arguments: Signal.allCases, [OTLPParcelOptions.Encoding.protobuf, .json])
  func thePartsOfAParcelAreTogetherTheWhole(signal: Signal, encoding: OTLPParcelOptions.Encoding) throws {
    var random = SampleRandom(seed: 77)
    for seed in 0..<60 {
      let batch = try Self.sample(signal, seed)
      for parcel in OTLPParcelLab.parcels(batch, OTLPParcelLab.options(encoding) { $0.laneBySource = .none }) {
        let whole = try OTLPParcelLab.decoded(signal, OTLPParcelLab.body(parcel), encoding)
        var parts: [String] = []
        var start = 0
        while start < parcel.items.count {
          let end = start + 1 + random.upTo(parcel.items.count - start - 1)
          let part = try OTLPParcelLab.decoded(signal, parcel.body(start..<end, form: 0), encoding)
          #expect(part.recordCount == end - start)
          parts += OTLPParcelLab.texts(part)
          start = end
        }
        #expect(parts.sorted() == OTLPParcelLab.texts(whole), "seed \(seed)")
        #expect(try OTLPParcelLab.decoded(signal, parcel.body(0..<0, form: 0), encoding).recordCount == 0)
      }
    }
  }

  @Test(arguments: [OTLPParcelOptions.Encoding.protobuf, .json])
  func signalsMayComeMixedAndEachHasARequestOfItsOwn(encoding: OTLPParcelOptions.Encoding) throws {
    let batches = try Signal.allCases.flatMap { signal in try (0..<20).map { try Self.sample(signal, $0) } }
    let builder = OTLPParcelBuilder(OTLPParcelLab.options(encoding) { $0.laneBySource = .none })
    for round in 0..<20 {
      for batch in batches.enumerated().filter({ $0.offset % 20 == round }).map(\.element) {
        batch.forEachRecord { #expect(builder.add($0) == .taken) }
      }
    }
    #expect(builder.pendingRecords == batches.reduce(0) { $0 + $1.recordCount } && builder.pendingBytes > 1_000)
    let parcels = builder.cut(laneCount: 4)
    #expect(parcels.map(\.road) == [0, 1, 2] && builder.pendingRecords == 0 && builder.pendingBytes == 0)
    for signal in Signal.allCases {
      let body = OTLPParcelLab.body(parcels[Int(signal.rawValue)])
      let expected = try batches.filter { $0.signal == signal }.flatMap {
        OTLPParcelLab.texts(try OTLPParcelLab.exported($0))
      }
      #expect(OTLPParcelLab.texts(try OTLPParcelLab.decoded(signal, body, encoding)) == expected.sorted())
    }
    #expect(builder.cut(laneCount: 4).isEmpty)
  }
}

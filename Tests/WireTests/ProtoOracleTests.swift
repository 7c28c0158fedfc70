import COTLP
import Telemetry
import TestSupport
import Testing
import Wire

/// The decoder against protobuf-c on the same bytes: both refuse them, or both read the same out of them. What the two may
/// judge differently is listed in `ProtoScanner.Findings`.
@Suite struct ProtoOracleTests {
  static let now: Int64 = 1_700_000_000_000_000_042

  @Test(arguments: Signal.allCases)
  func readsGeneratedRequestsLikeProtobufC(signal: Signal) {
    for seed in 0..<250 {
      compare(signal, OTLPSample(signal, seed: UInt64(seed)).protobuf, "seed \(seed)")
    }
  }

  @Test(arguments: Signal.allCases)
  func judgesMutatedRequestsLikeProtobufC(signal: Signal) {
    var random = SampleRandom(seed: UInt64(signal.rawValue) + 7)
    var refused = 0
    var compared = 0
    for seed in 0..<200 {
      let body = OTLPSample(signal, seed: UInt64(seed)).protobuf
      guard !body.isEmpty && body.count < 20_000 else { continue }
      for round in 0..<10 {
        switch compare(signal, Self.mutated(body, &random), "seed \(seed) round \(round)") {
        case .bothRefused: refused += 1
        case .equal: compared += 1
        case .differs, .notCompared: break
        }
      }
    }
    // Both branches have been seen, or the mutations are of no use.
    #expect(refused > 100 && compared > 100)
  }

  /// One or two of: another byte, another bit, bytes gone, bytes twice, a cut.
  private static func mutated(_ body: [UInt8], _ random: inout SampleRandom) -> [UInt8] {
    var body = body
    for _ in 0...random.upTo(1) where !body.isEmpty {
      let at = random.upTo(body.count - 1)
      let end = min(body.count, at + 1 + random.upTo(12))
      switch random.upTo(6) {
      case 0: body[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xff, 0x0a, 0x12])
      case 1, 2: body[at] ^= 1 << UInt8(random.upTo(7))
      case 3: body[at] &+= random.pick([1, 0xff])
      case 4: body.removeSubrange(at..<end)
      case 5: body.insert(contentsOf: body[at..<end], at: at)
      default: body.removeLast(body.count - at)
      }
    }
    return body
  }

  // MARK: comparing

  private enum Outcome { case equal, bothRefused, notCompared, differs }

  @discardableResult
  private func compare(_ signal: Signal, _ body: [UInt8], _ comment: String) -> Outcome {
    let descriptor =
      switch signal {
      case .traces: otlp__export_trace_service_request__descriptor
      case .metrics: otlp__export_metrics_service_request__descriptor
      case .logs: otlp__export_logs_service_request__descriptor
      }
    let scanner = ProtoScanner(body, descriptor)
    var options = DecodeOptions(now: Self.now)
    options.depthLimit = ProtoScanner.depthLimit
    var ours: OracleLines?
    do throws(DecodeError) {
      ours = OracleLines(
        try scanner.body.span.bytes.withUnsafeBytes { (bytes) throws(DecodeError) in
          try OTLPDecoder.decodeProtobuf(signal, bytes, options: options)
        })
    } catch {
      ours = nil
    }
    // Everything has been decoded without a crash; the rest is for the oracle.
    guard scanner.findings.isEmpty else { return .notCompared }
    let theirs = Self.oracle(signal, scanner.body)
    if ours == nil && theirs == nil { return .bothRefused }
    guard let ours, let theirs else {
      Issue.record("\(comment): \(ours == nil ? "we" : "protobuf-c") alone refused \(OracleText.hex(scanner.body))")
      return .differs
    }
    #expect(ours.resources == theirs.resources, "\(comment)")
    #expect(ours.scopes == theirs.scopes, "\(comment)")
    for (our, their) in zip(ours.rows, theirs.rows) where our != their {
      Issue.record("\(comment):\nours   \(our)\ntheirs \(their)")
      return .differs
    }
    #expect(ours.rows.count == theirs.rows.count, "\(comment)")
    #expect(ours.rejections == theirs.rejections, "\(comment)")
    #expect(ours.recordIndex == theirs.recordIndex, "\(comment)")
    return .equal
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
}

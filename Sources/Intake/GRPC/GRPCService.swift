import Door
import NIOCore
import Telemetry
import Wire

/// What all connections of the door share, free of the types of its sink.
struct GRPCService: Sendable {
  let options: OTLPGRPCOptions
  let vitals: IntakeVitals
  let gauge: GRPCGauge
  let senders: Senders
  /// A whole message to its answer.
  let export: @Sendable (GRPCMessage, Signal, Sender) async -> GRPCAnswer

  /// Several calls may be on their way at once.
  var connectionWindowBytes: Int { 4 * options.windowBytes }

  func isExcess(_ lease: GRPCLease) -> Bool { lease.number > options.limits.connections }

  func sender(_ address: String?, _ credential: Credential) -> Sender { senders.sender(from: address, credential) }

  // MARK: grpc.health.v1

  private enum Health {
    static let serving: [UInt8] = [8, 1]
    static let notServing: [UInt8] = [8, 2]
    static let services: Set<String> = [
      "", "opentelemetry.proto.collector.trace.v1.TraceService",
      "opentelemetry.proto.collector.metrics.v1.MetricsService", "opentelemetry.proto.collector.logs.v1.LogsService",
    ]
  }

  func health(_ message: GRPCMessage, isDraining: Bool) -> GRPCAnswer {
    var limits = options.limits
    limits.bodyBytes = GRPCGauge.healthBytes
    do throws(DoorError) {
      let reader = BodyReader(limits: limits, budget: gauge.budget)
      let request = Array(try reader.unpack(message.content, message.coding, message.permit).content.bytes)
      guard let name = Self.serviceName(request) else { throw .badRequest("no HealthCheckRequest") }
      guard Health.services.contains(name) else { return .notFound("no such service") }
      return .success(isDraining ? Health.notServing : Health.serving, duplicate: false)
    } catch {
      return .failure(error)
    }
  }

  /// `HealthCheckRequest { string service = 1; }`
  private static func serviceName(_ request: [UInt8]) -> String? {
    if request.isEmpty { return "" }
    // Names of one length byte: all that there are.
    guard request.count >= 2, request[0] == 0x0a, request[1] < 128, request.count == 2 + Int(request[1]) else {
      return nil
    }
    return String(decoding: request[2...], as: UTF8.self)
  }
}

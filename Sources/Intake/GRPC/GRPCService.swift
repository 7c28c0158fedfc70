import Door
import NIOCore
import Telemetry
import Wire

/// What all connections of the door share, free of the types of its sink.
struct GRPCService: Sendable {
  let options: OTLPDoorOptions
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

  func health(_ message: GRPCMessage, isDraining: Bool) -> GRPCAnswer {
    var limits = options.limits
    limits.bodyBytes = GRPCGauge.healthBytes
    do throws(DoorError) {
      let reader = BodyReader(limits: limits, budget: gauge.budget)
      let request = Array(try reader.unpack(message.content, message.coding, message.permit).content.bytes)
      guard let name = GRPCHealth.serviceName(request) else { throw .badRequest("no HealthCheckRequest") }
      guard GRPCHealth.services.contains(name) else { return .notFound("no such service") }
      return .success(isDraining ? GRPCHealth.notServing : GRPCHealth.serving, duplicate: false)
    } catch {
      return .failure(error)
    }
  }
}

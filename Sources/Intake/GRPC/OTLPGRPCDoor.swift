package import Door
package import Logging
import NIOCore
package import Telemetry
import Wire

/// OTLP over gRPC: the three unary `Export` methods and a health check (CONFORMANCE GRPC).
package struct OTLPGRPCDoor<Sink: BatchSink, Rejects: RejectSink>: Sendable {
  package static var name: String { "otlp_grpc" }

  package let vitals: IntakeVitals
  private let service: GRPCService
  private let logger: Logger

  /// `key`: the one of the OTLP/HTTP door, so that a body that was sent to one is known to the other.
  package init(
    sink: Sink, rejects: Rejects, budget: Budget, key: [UInt8], options: OTLPDoorOptions = OTLPDoorOptions(),
    logger: Logger
  ) {
    let vitals = IntakeVitals(door: Self.name, budget: budget)
    let intake = OTLPIntake(
      vitals: vitals, sink: sink, rejects: rejects, senders: Senders(SenderKeys(key: key)),
      options: options, logger: logger)
    let reader = BodyReader(limits: options.limits, budget: budget)
    self.vitals = vitals
    self.logger = logger
    service = GRPCService(
      options: options, vitals: vitals,
      gauge: GRPCGauge(limitBytes: options.limits.bodyBytes, budget: budget) { byteCount throws(DoorError) in
        try intake.admit(byteCount: byteCount)
      },
      senders: intake.senders,
      export: { message, signal, sender in await Self.export(message, signal, sender, reader, intake) })
  }

  private static func export(
    _ message: GRPCMessage, _ signal: Signal, _ sender: Sender, _ reader: BodyReader,
    _ intake: OTLPIntake<Sink, Rejects>
  ) async -> GRPCAnswer {
    let (deadline, fate) = (message.deadline, message.fate)
    func proceed() throws(DoorError) {
      if fate.isCancelled { throw .brokenOff }
      if deadline <= .now() { throw .deadlinePassed }
    }
    do throws(DoorError) {
      try proceed()
      let body = try reader.unpack(message.content, message.coding, message.permit)
      let answer = try await intake.take(body, signal, .protobuf, sender, proceed: proceed)
      return .success(answer.response.encoded(.protobuf), duplicate: answer.duplicate)
    } catch {
      message.permit.release()
      return .failure(error)
    }
  }

  /// A service that binds the address and serves until graceful shutdown. `port` 0 picks one; `onServerRunning` tells which.
  ///
  /// At shutdown it stops accepting, tells clients to go elsewhere and answers the calls that are there; a message still
  /// arriving is given `limits.drainTimeout`.
  package func makeServer(
    address: String, port: Int, onServerRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) -> OTLPGRPCServer {
    OTLPGRPCServer(service: service, address: address, port: port, onServerRunning: onServerRunning, logger: logger)
  }
}

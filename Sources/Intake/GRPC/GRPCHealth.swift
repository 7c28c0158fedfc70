/// `grpc.health.v1.HealthCheckResponse { ServingStatus status = 1; }`
enum GRPCHealth {
  static let serving: [UInt8] = [8, 1]
  static let notServing: [UInt8] = [8, 2]
  static let unknown: [UInt8] = [8, 3]

  static let services: Set<String> = [
    "", "opentelemetry.proto.collector.trace.v1.TraceService",
    "opentelemetry.proto.collector.metrics.v1.MetricsService", "opentelemetry.proto.collector.logs.v1.LogsService",
  ]

  /// `HealthCheckRequest { string service = 1; }`; nil: it is none.
  static func serviceName(_ request: [UInt8]) -> String? {
    if request.isEmpty { return "" }
    // Names of one length byte: all that there are.
    guard request.count >= 2, request[0] == 0x0a, request[1] < 128, request.count == 2 + Int(request[1]) else {
      return nil
    }
    return String(decoding: request[2...], as: UTF8.self)
  }
}

extension GRPCService {
  /// What somebody who watches hears first. Unlike a check, watching a service that is not there is no error.
  func watched(_ request: [UInt8]) -> [UInt8] {
    guard let name = GRPCHealth.serviceName(request), GRPCHealth.services.contains(name) else {
      return GRPCHealth.unknown
    }
    return GRPCHealth.serving
  }
}

import Door
import NIOCore
import NIOHPACK
import Telemetry
import Wire

/// What a call is for.
enum GRPCMethod: Equatable {
  case export(Signal)
  /// `grpc.health.v1.Health/Check`
  case health
  case talk(GRPCTalk.Topic)

  init?(path: String) {
    switch path {
    case "/opentelemetry.proto.collector.trace.v1.TraceService/Export": self = .export(.traces)
    case "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": self = .export(.metrics)
    case "/opentelemetry.proto.collector.logs.v1.LogsService/Export": self = .export(.logs)
    case "/grpc.health.v1.Health/Check": self = .health
    case "/grpc.health.v1.Health/Watch": self = .talk(.health)
    case "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo":
      self = .talk(.reflection)
    default: return nil
    }
  }

  var signal: Signal? {
    if case .export(let signal) = self { signal } else { nil }
  }
}

/// The header fields of a call that matter here, found in one walk.
struct GRPCHead {
  var method = ""
  var path = ""
  var contentType = ""
  var authorization: String?
  var encoding: String?
  var timeout: String?
  var via: String?
  /// As HPACK counts it: 32 bytes a field besides its texts.
  var byteCount = 0

  init(_ headers: HPACKHeaders) {
    for (name, value, _) in headers {
      byteCount += name.utf8.count + value.utf8.count + 32
      switch name {
      case ":method": method = value
      case ":path": path = value
      case "content-type": contentType = value
      case "authorization": authorization = authorization ?? value
      case "grpc-encoding": encoding = value
      case "grpc-timeout": timeout = value
      case "garner-via": via = via.map { "\($0),\(value)" } ?? value
      default: break
      }
    }
  }

  /// `application/grpc`, `application/grpc+proto`, either with parameters (CONFORMANCE GRPC-08).
  var isGRPC: Bool {
    let type = contentType.prefix { $0 != ";" && $0 != " " }
    if type == "application/grpc" || type == "application/grpc+proto" { return true }
    let lower = type.lowercased()
    return lower == "application/grpc" || lower == "application/grpc+proto"
  }
}

extension TimeAmount {
  /// `grpc-timeout`: 1 to 8 digits and a unit; nil when it is none. A time that is no limit in practice is cut to a year.
  init?(grpcTimeout text: String) {
    let bytes = Array(text.utf8)
    guard (2...9).contains(bytes.count), let unit = bytes.last else { return nil }
    var amount: Int64 = 0
    for digit in bytes.dropLast() {
      guard (0x30...0x39).contains(digit) else { return nil }
      amount = amount * 10 + Int64(digit - 0x30)
    }
    let nanoseconds: Int64
    switch unit {
    case UInt8(ascii: "H"): nanoseconds = 3_600_000_000_000
    case UInt8(ascii: "M"): nanoseconds = 60_000_000_000
    case UInt8(ascii: "S"): nanoseconds = 1_000_000_000
    case UInt8(ascii: "m"): nanoseconds = 1_000_000
    case UInt8(ascii: "u"): nanoseconds = 1_000
    case UInt8(ascii: "n"): nanoseconds = 1
    default: return nil
    }
    let year: Int64 = 365 * 86_400_000_000_000
    let (product, overflow) = amount.multipliedReportingOverflow(by: nanoseconds)
    self = .nanoseconds(overflow ? year : min(product, year))
  }
}

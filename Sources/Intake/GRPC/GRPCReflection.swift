import Wire

/// Server reflection: tools like grpcurl ask which services there are, and for the files that describe them.
///
/// ```
/// ServerReflectionRequest  { host 1; oneof { file_by_filename 3; file_containing_symbol 4;
///                            file_containing_extension 5; all_extension_numbers_of_type 6; list_services 7 } }
/// ServerReflectionResponse { valid_host 1; original_request 2; oneof { file_descriptor_response 4 { bytes 1 … };
///                            all_extension_numbers 5; list_services_response 6 { service 1 { name 1 } … };
///                            error_response 7 { code 1; message 2 } } }
/// ```
/// v1 and v1alpha are the same on the wire.
enum GRPCReflection {
  static let services = [
    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    "opentelemetry.proto.collector.logs.v1.LogsService", "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "opentelemetry.proto.collector.trace.v1.TraceService",
  ]

  private static let notFound: UInt8 = 5
  private static let unimplemented: UInt8 = 12

  static func answer(_ request: [UInt8]) -> [UInt8] {
    var answer = field(2, request)
    guard let (number, text) = question(request) else {
      return answer + error(unimplemented, "this question is not known here")
    }
    switch number {
    case 3, 4:
      let files = number == 3 ? GRPCDescriptors.files(named: text) : GRPCDescriptors.files(describing: text)
      guard !files.isEmpty else { return answer + error(notFound, "there is no such name here") }
      answer += field(4, files.flatMap { field(1, $0) })
    case 7: answer += field(6, services.flatMap { field(1, field(1, Array($0.utf8))) })
    default: answer += error(notFound, "there are no extensions here")
    }
    return answer
  }

  /// The last of the fields that ask something.
  private static func question(_ request: [UInt8]) -> (Int, String)? {
    var found: (Int, String)?
    var at = 0
    while at < request.count {
      guard let tag = varint(request, &at) else { return nil }
      guard tag & 7 == 2 else {
        // Numbers mean nothing here; other types do not occur.
        guard tag & 7 == 0, varint(request, &at) != nil else { return nil }
        continue
      }
      guard let length = varint(request, &at), length <= request.count - at else { return nil }
      let number = tag >> 3
      if (3...7).contains(number) { found = (number, String(decoding: request[at..<at + length], as: UTF8.self)) }
      at += length
    }
    return found
  }

  private static func varint(_ bytes: [UInt8], _ at: inout Int) -> Int? {
    var number = 0
    var shift = 0
    while at < bytes.count, shift < 56 {
      let byte = bytes[at]
      at += 1
      number |= Int(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }

  private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    var head = [number << 3 | 2]
    var rest = content.count
    while rest >= 0x80 {
      head.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    head.append(UInt8(rest))
    return head + content
  }

  private static func error(_ code: UInt8, _ message: String) -> [UInt8] {
    field(7, [8, code] + field(2, Array(message.utf8)))
  }
}

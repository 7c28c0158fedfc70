import Door
import HTTPTypes
import NIOHPACK
import Wire

/// How a call ends when it does not end well: the trailers, and nothing else, for nothing was sent before them.
struct GRPCStatus: Sendable, Equatable {
  /// What proxies and people with curl see; gRPC clients read `code`.
  var httpStatus = 200
  /// `google.rpc.Code`
  var code: Int32
  var message: String
  /// `google.rpc.Status`, for those who look into it: when to retry, what was wrong.
  var details: [UInt8]?
  /// The codings that are understood, for those who sent another one (CONFORMANCE GRPC-02).
  var namesCodings = false

  private static let notFoundCode: Int32 = 5
  /// Clients allow 8 KiB for all trailers, and the details repeat it.
  private static let messageLimitBytes = 1024

  init(_ code: RPCStatus.Code, _ message: String, httpStatus: Int = 200) {
    self.code = code.rawValue
    self.message = message
    self.httpStatus = httpStatus
  }

  init(_ error: DoorError) {
    let reason = error.reason
    code = reason.code.rawValue
    message = reason.message
    // Retry times are what exporters look for; a violation only repeats the message.
    if reason.retryAfterSeconds != nil { details = reason.encoded(.protobuf) }
  }

  static func notFound(_ message: String) -> GRPCStatus {
    var status = GRPCStatus(.internal, message)
    status.code = notFoundCode
    return status
  }

  var trailers: HPACKHeaders {
    var fields = HPACKHeaders([
      (":status", String(httpStatus)), ("content-type", "application/grpc"), ("grpc-status", String(code)),
      ("grpc-message", Self.percentEncoded(message)),
    ])
    if namesCodings { fields.add(name: GRPCWords.acceptEncoding, value: GRPCWords.codings) }
    if let details {
      var text = Base64.encoded(details)
      while text.last == UInt8(ascii: "=") { text.removeLast() }
      fields.add(name: "grpc-status-details-bin", value: String(decoding: text, as: UTF8.self))
    }
    return fields
  }

  /// Everything but printable ASCII, and the sign itself (CONFORMANCE GRPC-07). A long text is cut.
  static func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8.prefix(messageLimitBytes) {
      if (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "%") {
        encoded.append(byte)
      } else {
        encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }
}

enum GRPCWords {
  static let acceptEncoding = "grpc-accept-encoding"
  static let codings = "identity,gzip,deflate"
  static let duplicate = "garner-duplicate"
  /// For clients that speak HTTP/1 to this port.
  static let wrongProtocol =
    "this port speaks OTLP over gRPC; OTLP over HTTP is at port 4318: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
}

extension DoorError {
  /// Every failure of a call as a status and an HTTP class to count it by.
  static func call(_ code: RPCStatus.Code, _ message: String) -> DoorError {
    DoorError(code == .deadlineExceeded ? .requestTimeout : .badRequest, RPCStatus(code, message))
  }

  static let deadlinePassed = call(.deadlineExceeded, "grpc-timeout passed before the batch was stored")
  static let brokenOff = call(.internal, "the call ended in the middle of its message")
  static let severalMessages = call(.unimplemented, "the method takes exactly one message")
  static let strayCompression = call(
    .internal, "the message is marked as compressed, but grpc-encoding names no coding")
  static let badPrefix = call(.internal, "the message does not begin with a gRPC prefix")
}

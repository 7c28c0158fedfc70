package import HTTPTypes
package import Hummingbird
package import Wire

/// A request that is refused whole: a status line and a `google.rpc.Status`.
package struct DoorError: Error, Sendable, Equatable {
  package var status: HTTPResponse.Status
  package var reason: RPCStatus
  /// For `Allow`, on a 405.
  package var allowedMethods: String?
  /// The stable name of the reason, for counting (see `IntakeVitals.reasons`): `queue_full`, `no_credential`, …
  package var cause: String?

  package init(_ status: HTTPResponse.Status, _ reason: RPCStatus) {
    self.status = status
    self.reason = reason
  }

  package func response(in encoding: BodyEncoding) -> Response {
    var headers: HTTPFields = [.contentType: encoding.mediaType]
    if let seconds = reason.retryAfterSeconds { headers[.retryAfter] = String(max(seconds, 1)) }
    if let allowedMethods { headers[.allow] = allowedMethods }
    if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: reason.encoded(encoding))))
  }
}

extension DoorError {
  package static func notFound(_ message: String) -> DoorError {
    DoorError(.notFound, RPCStatus(.unimplemented, message))
  }

  package static func methodNotAllowed(allow: String) -> DoorError {
    var error = DoorError(.methodNotAllowed, RPCStatus(.unimplemented, "this path takes \(allow) only"))
    error.allowedMethods = allow
    return error
  }

  package static func unsupportedMediaType(_ message: String) -> DoorError {
    DoorError(.unsupportedMediaType, RPCStatus(.invalidArgument, message))
  }

  package static func badRequest(_ message: String) -> DoorError {
    DoorError(.badRequest, RPCStatus(.invalidArgument, message, violation: message))
  }

  /// Not retryable, so no retry time (CONFORMANCE RSP-05).
  package static func tooLarge(limitBytes: Int) -> DoorError {
    var error = DoorError(
      .contentTooLarge,
      RPCStatus(
        .resourceExhausted, "the body is larger than the limit of \(limitBytes) bytes, before or after decompression"))
    error.cause = "body_too_large"
    return error
  }

  /// 408 tells exporters not to retry: the same body over the same line would end the same way.
  package static let slowBody: DoorError = {
    var error = DoorError(.requestTimeout, RPCStatus(.deadlineExceeded, "the body took too long to arrive"))
    error.cause = "slow_body"
    return error
  }()

  package static func unavailable(cause: String, retryAfterSeconds: Int) -> DoorError {
    var error = DoorError(
      .serviceUnavailable,
      RPCStatus(
        .unavailable, "not taken for the moment, please retry: \(cause)", retryAfterSeconds: max(retryAfterSeconds, 1)))
    error.cause = cause
    return error
  }
}

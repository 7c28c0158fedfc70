import HTTPTypes
import Telemetry
import Wire

/// Answers to those who may not come in. None tells whether an id exists: only the holder of the secret hears more.
extension DoorError {
  package static let noCredential = unauthenticated(
    "no_credential", "this door asks for a token: send `Authorization: Bearer TOKEN`")
  package static let badCredential = unauthenticated("bad_credential", "the token is not known here")
  package static let expiredCredential = unauthenticated("expired_credential", "the token has expired")
  package static let revokedCredential = unauthenticated("revoked_credential", "the token was revoked")
  package static let unusableCertificate = unauthenticated(
    "bad_credential", "the client certificate has no name that can be a source")

  static func wrongScope(_ scope: Scope) -> DoorError {
    forbidden("wrong_scope", "the credential is not of the scope \(scope.rawValue)")
  }

  static func wrongSignal(_ signal: Signal) -> DoorError {
    forbidden("wrong_signal", "the credential may not send \(signal.name)")
  }

  package static func rateLimited(retryAfterSeconds: Int) -> DoorError {
    var error = DoorError(
      .tooManyRequests,
      RPCStatus(
        .resourceExhausted, "over the rate of this credential, please retry later",
        retryAfterSeconds: max(retryAfterSeconds, 1)))
    error.cause = "rate_limited"
    return error
  }

  private static func unauthenticated(_ cause: String, _ message: String) -> DoorError {
    var error = DoorError(.unauthorized, RPCStatus(.unauthenticated, message))
    error.cause = cause
    return error
  }

  private static func forbidden(_ cause: String, _ message: String) -> DoorError {
    var error = DoorError(.forbidden, RPCStatus(.permissionDenied, message))
    error.cause = cause
    return error
  }
}

import NIOHTTP1

/// What is said to a connection whose request never got to a responder.
enum EdgeRefusal: Sendable {
  case notHTTP, largeHeaders, slowHeaders, tooManyConnections

  var status: HTTPResponseStatus {
    switch self {
    case .notHTTP: .badRequest
    case .largeHeaders: .requestHeaderFieldsTooLarge
    case .slowHeaders: .requestTimeout
    case .tooManyConnections: .serviceUnavailable
    }
  }

  /// For counting.
  var reason: String {
    switch self {
    case .notHTTP: "not_http"
    case .largeHeaders: "headers_too_large"
    case .slowHeaders: "slow_headers"
    case .tooManyConnections: "too_many_connections"
    }
  }

  var line: String {
    switch self {
    case .notHTTP: "this port speaks HTTP/1.1, and this was no HTTP request\n"
    case .largeHeaders: "the header fields are too large\n"
    case .slowHeaders: "the header took too long to arrive\n"
    case .tooManyConnections: "too many connections, please retry\n"
    }
  }

  /// The same request may be taken a moment later.
  var isMomentary: Bool { self == .tooManyConnections }
}

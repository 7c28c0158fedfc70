package import HTTPTypes
package import Hummingbird

/// Cross-origin answers for browsers; off unless origins are configured (CONFORMANCE HTTP-11).
package struct CrossOrigin: Sendable {
  /// `https://game.example`, `https://*.example.com` (whole labels only), or `*` for any.
  package var allowedOrigins: [String]
  package var allowedHeaders: [String]
  package var maxAgeSeconds = 7200

  static let standardHeaders = [
    "Content-Type", "Content-Encoding", "Authorization", "traceparent", "tracestate", "baggage", "X-Requested-With",
  ]

  package init(allowedOrigins: [String], allowedHeaders: [String] = []) {
    self.allowedOrigins = allowedOrigins
    self.allowedHeaders = Self.standardHeaders + allowedHeaders
  }

  package func allows(_ origin: String) -> Bool {
    // "null" is the origin of sandboxed frames of any site: only a listed "null" lets it in.
    allowedOrigins.contains { pattern in
      if pattern == "*" { return origin != "null" }
      guard let star = pattern.firstIndex(of: "*") else { return pattern.lowercased() == origin.lowercased() }
      let head = pattern[..<star].lowercased()
      let tail = pattern[pattern.index(after: star)...].lowercased()
      let text = origin.lowercased()
      guard text.utf8.count > head.utf8.count + tail.utf8.count, text.hasPrefix(head), text.hasSuffix(tail) else {
        return false
      }
      let label = text.dropFirst(head.count).dropLast(tail.count)
      return label.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "@") }
        && label.first != "." && label.last != "."
    }
  }

  /// The answer to a preflight, nil when the request is none or its origin is foreign.
  package func preflight(_ request: HTTPRequest) -> Response? {
    guard request.method == .options, let origin = request.headerFields[.origin], allows(origin),
      request.headerFields[.accessControlRequestMethod] != nil
    else { return nil }
    var headers: HTTPFields = [
      .accessControlAllowMethods: "POST", .accessControlAllowHeaders: allowedHeaders.joined(separator: ", "),
      .accessControlMaxAge: String(maxAgeSeconds),
    ]
    if let field = HTTPField.Name("Access-Control-Request-Private-Network"), request.headerFields[field] == "true",
      let answer = HTTPField.Name("Access-Control-Allow-Private-Network")
    {
      headers[answer] = "true"
    }
    return Response(status: .noContent, headers: headers)
  }

  /// Errors carry it too, or a page could not read why it was refused.
  package func mark(_ response: inout Response, for request: HTTPRequest) {
    response.headers[.vary] = response.headers[.vary].map { $0 + ", Origin" } ?? "Origin"
    guard let origin = request.headerFields[.origin], allows(origin) else { return }
    response.headers[.accessControlAllowOrigin] = origin
    response.headers[.accessControlAllowCredentials] = "true"
  }
}

/// How an HTTP or gRPC destination is reached.
package struct TransportOptions: Sendable {
  package enum Compression: String, Sendable, CaseIterable {
    case gzip, zstd, none
  }

  package struct TLS: Sendable, Equatable {
    /// PEM; empty: the system's authorities.
    package var caFile = ""
    package var certFile = ""
    package var keyFile = ""
    /// Empty: the host of the endpoint.
    package var serverName = ""
    package var skipsVerification = false
    package init() {}
  }

  package var timeout = Duration.seconds(10)
  package var compression = Compression.gzip
  package var tls = TLS()
  /// Sent with every request; credentials among them, read anew for every request.
  package var headers: @Sendable () -> [(name: String, value: String)] = { [] }
  /// `garner/<version>`.
  package var userAgent = "garner"
  /// Identity of this store: a door that meets its own knows that it talks to itself.
  package var storeID = ""

  package init() {}
}

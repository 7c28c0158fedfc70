/// What `Content-Encoding` says of a body. Anything else is refused, never treated as plain (CONFORMANCE HTTP-07, HTTP-08).
package enum ContentCoding: Sendable, Equatable {
  case identity
  case gzip
  case deflate
  case zstd

  /// Case-insensitive; nil for an unknown coding and for a list of several. Empty is `identity`.
  package init?(_ name: String) {
    switch name.lowercased() {
    case "", "identity": self = .identity
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    case "zstd": self = .zstd
    default: return nil
    }
  }
}

package enum InflateError: Error, Equatable, Sendable {
  /// The input ended inside a stream.
  case truncated
  /// Not a stream of this coding, or a checksum that does not match; the text is zlib's.
  case malformed(String)
  /// More than the limit came out.
  case overLimit
  /// `reserve` said no.
  case noRoom
}

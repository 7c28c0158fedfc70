package import HTTPTypes
package import Wire

extension BodyEncoding {
  /// By media type alone, without its parameters and in any case, never by sniffing (CONFORMANCE HTTP-02, HTTP-03).
  package init?(contentType: String?) {
    guard let contentType else { return nil }
    let type = contentType.prefix { $0 != ";" && $0 != " " && $0 != "\t" }
    switch type.lowercased() {
    case "application/x-protobuf": self = .protobuf
    case "application/json": self = .json
    default: return nil
    }
  }
}

extension HTTPFields {
  /// Whether an answer may be gzip: named, or by `*`, with a weight above 0 (CONFORMANCE HTTP-10).
  package var acceptsGzip: Bool {
    guard let header = self[.acceptEncoding] else { return false }
    var star = false
    for entry in header.lowercased().split(separator: ",") {
      let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let name = parts.first else { continue }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      if name == "gzip" || name == "x-gzip" { return weight > 0 }
      if name == "*" { star = weight > 0 }
    }
    return star
  }
}

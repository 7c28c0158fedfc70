/// Where a redirect leads (RFC 3986 §5.2), as far as it stays on the host that was asked.
enum Redirect {
  /// `url`: http or https. Nil: it leads elsewhere, or nowhere.
  static func target(of location: String, from url: String) -> String? {
    let location = location.prefix { $0 != "#" }
    guard let asked = Address(url[...]), !location.isEmpty else { return nil }
    if location.hasPrefix("//") {
      let scheme = url.prefix { $0 != ":" }
      return same(asked, "\(scheme):\(location)")
    }
    if hasScheme(location) { return same(asked, String(location)) }
    if location.hasPrefix("/") { return asked.origin + location }
    let path = asked.rest.prefix { $0 != "?" && $0 != "#" }
    if location.hasPrefix("?") { return asked.origin + (path.isEmpty ? "/" : path) + location }
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
    let query = location.firstIndex(of: "?") ?? location.endIndex
    return asked.origin + plain(folder + location[..<query]) + location[query...]
  }

  private static func same(_ asked: Address, _ location: String) -> String? {
    guard let target = Address(location[...]), target.identity == asked.identity else { return nil }
    return location
  }

  /// Without the segments `.` and `..`.
  private static func plain(_ path: Substring) -> String {
    var kept: [Substring] = []
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for segment in segments {
      switch segment {
      case ".": continue
      case "..": _ = kept.popLast()
      default: kept.append(segment)
      }
    }
    if let last = segments.last, last == "." || last == ".." { kept.append("") }
    return "/" + kept.joined(separator: "/")
  }

  private static func hasScheme(_ text: Substring) -> Bool {
    guard let end = text.firstIndex(where: { ":/?".contains($0) }), text[end] == ":" else { return false }
    return text.first?.isLetter ?? false
  }

  private struct Address {
    /// Up to the path.
    let origin: String
    /// From the path on.
    let rest: Substring
    /// The same for all spellings of one origin.
    let identity: String

    init?(_ url: Substring) {
      guard let mark = url.firstRange(of: "://") else { return nil }
      let scheme = url[..<mark.lowerBound].lowercased()
      let authority = url[mark.upperBound...].prefix { !"/?#".contains($0) }
      guard !authority.isEmpty, let usual = ["http": ":80", "https": ":443"][scheme] else { return nil }
      origin = String(url[..<authority.endIndex])
      rest = url[authority.endIndex...]
      let host = authority.lowercased()
      identity = "\(scheme)://" + (host.hasSuffix(usual) ? String(host.dropLast(usual.count)) : host)
    }
  }
}

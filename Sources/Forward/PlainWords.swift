import FoundationEssentials

/// A far end's own words, as people may read them in a terminal.
enum PlainWords {
  /// In UTF-8.
  static let limit = 1_024

  /// The first KiB, with a space for each control character, and none at the end.
  static func of(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    var length = 0
    for scalar in text.unicodeScalars {
      length += UTF8.width(scalar)
      if length > limit { break }
      // C0, DEL and C1: a terminal takes them for commands.
      let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
      plain.append(isControl ? " " : scalar)
    }
    while plain.last == " " { plain.removeLast() }
    return String(plain)
  }

  /// What the body of an answer that is no success says: of a `google.rpc.Status`, which receivers of OTLP send in the
  /// form of the request, its message; else all of it.
  static func of(_ answer: Answer) -> String {
    let type = answer.header("content-type")?.lowercased() ?? ""
    if type.contains("protobuf"), let message = statusMessage(answer.body) { return of(message) }
    let first = answer.body.first { $0 > 0x20 }
    if type.contains("json") || first == UInt8(ascii: "{"),
      let status = try? JSONDecoder().decode(Status.self, from: Data(answer.body)), !status.message.isEmpty
    {
      return of(status.message)
    }
    return of(String(decoding: answer.body.prefix(limit + 4), as: UTF8.self))
  }

  private struct Status: Decodable {
    var message: String
  }

  /// Nil: it is no `google.rpc.Status`, whatever its type says.
  private static func statusMessage(_ body: [UInt8]) -> String? {
    var message: String?
    var fields = ProtoFields(body[...])
    while let field = fields.next() {
      if field.number == 2, case .bytes(let text) = field.value { message = String(decoding: text, as: UTF8.self) }
    }
    return message
  }
}

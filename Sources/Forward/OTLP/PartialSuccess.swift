import FoundationEssentials

/// What an OTLP receiver did not take of a request that it answered with success (CONFORMANCE CLI-02). An empty one is
/// success: Collector, Jaeger and Tempo send it.
struct PartialSuccess: Equatable {
  var rejected = 0
  var message = ""

  /// Anything that cannot be read is success: the status has said so.
  static func read(_ body: [UInt8], isJSON: Bool) -> PartialSuccess {
    var result = isJSON ? json(body) : protobuf(body[...])
    result.message = PlainWords.of(result.message)
    return result
  }

  // MARK: JSON

  private struct Response: Decodable {
    var partialSuccess: Members?

    struct Members: Decodable {
      var rejected = 0
      var message = ""

      private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
      }

      init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        for name in ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"] {
          let key = Key(stringValue: name)
          // 64-bit integers are texts; some servers write numbers.
          if let text = try? members.decode(String.self, forKey: key) {
            rejected = Int(text) ?? 0
          } else if let number = try? members.decode(Int.self, forKey: key) {
            rejected = number
          }
        }
        message = (try? members.decode(String.self, forKey: Key(stringValue: "errorMessage"))) ?? ""
      }
    }
  }

  private static func json(_ body: [UInt8]) -> PartialSuccess {
    guard let members = (try? JSONDecoder().decode(Response.self, from: Data(body)))?.partialSuccess else {
      return PartialSuccess()
    }
    return PartialSuccess(rejected: max(0, members.rejected), message: members.message)
  }

  // MARK: protobuf

  private static func protobuf(_ body: ArraySlice<UInt8>) -> PartialSuccess {
    var result = PartialSuccess()
    var outer = ProtoFields(body)
    while let field = outer.next() {
      guard field.number == 1, case .bytes(let inside) = field.value else { continue }
      var inner = ProtoFields(inside)
      while let field = inner.next() {
        switch (field.number, field.value) {
        case (1, .varint(let count)): result.rejected = Int(clamping: Int64(bitPattern: count))
        case (2, .bytes(let text)): result.message = String(decoding: text, as: UTF8.self)
        default: continue
        }
      }
    }
    result.rejected = max(0, result.rejected)
    return result
  }
}

/// The fields of a small protobuf message; ends at the first that cannot be read.
struct ProtoFields {
  enum Value {
    case varint(UInt64)
    case bytes(ArraySlice<UInt8>)
    case other
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func next() -> (number: Int, value: Value)? {
    guard let tag = varint() else { return nil }
    let number = Int(truncatingIfNeeded: tag >> 3)
    switch tag & 7 {
    case 0: return varint().map { (number, .varint($0)) }
    case 1: return skip(8).map { (number, $0) }
    case 5: return skip(4).map { (number, $0) }
    case 2:
      guard let length = varint(), length <= UInt64(rest.count) else { return nil }
      defer { rest = rest.dropFirst(Int(length)) }
      return (number, .bytes(rest.prefix(Int(length))))
    default: return nil
    }
  }

  private mutating func skip(_ count: Int) -> Value? {
    guard rest.count >= count else { return nil }
    rest = rest.dropFirst(count)
    return .other
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      if shift > 63 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}

/// What an answer of 200 says about records refused alone.
enum LoadAnswer {
  /// The number in `partial_success`; 0 when there is none.
  static func rejected(_ body: ArraySlice<UInt8>, isJSON: Bool) -> Int {
    if body.isEmpty { return 0 }
    return isJSON ? json(body) : protobuf(body)
  }

  /// `{"partialSuccess":{"rejectedSpans":"3",…}}`, the number with or without quotes.
  private static func json(_ body: ArraySlice<UInt8>) -> Int {
    guard let name = body.firstRange(of: Array("\"rejected".utf8)) else { return 0 }
    guard let colon = body[name.upperBound...].firstIndex(of: UInt8(ascii: ":")) else { return 0 }
    let digits = body[(colon + 1)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") }
    return Int(String(decoding: digits.prefix { (0x30...0x39).contains($0) }, as: UTF8.self)) ?? 0
  }

  /// Field 1 of the answer is `partial_success`, whose field 1 is the number; both come first when they are there.
  private static func protobuf(_ body: ArraySlice<UInt8>) -> Int {
    var rest = body
    guard rest.popFirst() == 0x0a, varint(&rest) != nil, rest.popFirst() == 0x08 else { return 0 }
    return varint(&rest) ?? 0
  }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    var number = 0
    var shift = 0
    while let byte = bytes.popFirst(), shift < 63 {
      number |= Int(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }
}

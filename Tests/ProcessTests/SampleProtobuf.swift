/// One OTLP request written byte for byte, so that no encoder of ours stands between the test and the wire.
enum SampleProtobuf {
  /// A span with trace id 00 01 … 0f and span id 10 … 17 that took a millisecond.
  static func span(name: String, service: String) -> [UInt8] {
    let value = field(1, Array(service.utf8))
    let attribute = field(1, Array("service.name".utf8)) + field(2, value)
    let resource = field(1, attribute)
    let start: UInt64 = 1_780_000_000_000_000_000
    let span =
      field(1, Array(0..<16)) + field(2, Array(16..<24)) + field(5, Array(name.utf8)) + fixed(7, start)
      + fixed(8, start + 1_000_000)
    return field(1, field(1, resource) + field(2, field(2, span)))
  }

  /// Wire type 2; all lengths here are under 128.
  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  private static func fixed(_ number: UInt8, _ value: UInt64) -> [UInt8] {
    [number << 3 | 1] + (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
}

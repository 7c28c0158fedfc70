package import Telemetry

/// The two encodings of OTLP/HTTP; an answer has the encoding of its request (CONFORMANCE RSP-09).
package enum BodyEncoding: Sendable, Equatable {
  case protobuf
  case json

  package var mediaType: String {
    switch self {
    case .protobuf: "application/x-protobuf"
    case .json: "application/json"
    }
  }
}

/// `ExportTraceServiceResponse` and its two siblings, which differ in one JSON name only.
package struct OTLPResponse: Sendable, Equatable {
  /// Answers stay far below the 4 MiB that clients must accept (CONFORMANCE RSP-08); nobody reads more than this.
  package static let messageLimitBytes = 16 << 10

  package var signal: Signal
  /// Records refused. 0 with a message: everything is stored, but there is something to say (CONFORMANCE RSP-07).
  package var rejected: Int
  package var message: String

  /// A message over the limit is cut at a character and ends in `…`.
  package init(signal: Signal, rejected: Int = 0, message: String = "") {
    self.signal = signal
    self.rejected = rejected
    self.message = Self.shortened(message)
  }

  /// `partial_success` is unset for a full success: no bytes, or `{}` (CONFORMANCE RSP-02).
  package func encoded(_ encoding: BodyEncoding) -> [UInt8] {
    switch encoding {
    case .protobuf: protobuf()
    case .json: json()
    }
  }

  private func protobuf() -> [UInt8] {
    var partial: [UInt8] = []
    if rejected > 0 { partial.appendField(1, varint: UInt64(rejected)) }
    if !message.isEmpty { partial.appendField(2, text: message) }
    var response: [UInt8] = []
    if !partial.isEmpty { response.appendField(1, bytes: partial) }
    return response
  }

  private func json() -> [UInt8] {
    if rejected == 0 && message.isEmpty { return Array("{}".utf8) }
    var response = Array("{\"partialSuccess\":{".utf8)
    if rejected > 0 { response += Array("\"\(Self.rejectedName(signal))\":\"\(rejected)\"".utf8) }
    if !message.isEmpty {
      if rejected > 0 { response.append(UInt8(ascii: ",")) }
      response += Array("\"errorMessage\":".utf8)
      response.appendJSON(message)
    }
    response += Array("}}".utf8)
    return response
  }

  private static func rejectedName(_ signal: Signal) -> String {
    switch signal {
    case .traces: "rejectedSpans"
    case .metrics: "rejectedDataPoints"
    case .logs: "rejectedLogRecords"
    }
  }

  private static func shortened(_ message: String) -> String {
    guard message.utf8.count > messageLimitBytes else { return message }
    var end = message.utf8.index(message.utf8.startIndex, offsetBy: messageLimitBytes - 3)
    while end.samePosition(in: message.unicodeScalars) == nil { end = message.utf8.index(before: end) }
    return message[..<end] + "…"
  }
}

/// `google.rpc.Status`, the body of every answer of 400 and above (CONFORMANCE RSP-04).
package struct RPCStatus: Sendable, Equatable {
  /// `google.rpc.Code`, those in use.
  package enum Code: Int32, Sendable {
    case invalidArgument = 3
    case deadlineExceeded = 4
    case permissionDenied = 7
    case resourceExhausted = 8
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case unauthenticated = 16
  }

  package var code: Code
  /// One English sentence for the sender; never SQL, paths or a stack.
  package var message: String
  /// What is wrong with the body: becomes a `google.rpc.BadRequest`.
  package var violation: String?
  /// Becomes a `google.rpc.RetryInfo`: the request is good, the moment is not.
  package var retryAfterSeconds: Int?

  package init(_ code: Code, _ message: String, violation: String? = nil, retryAfterSeconds: Int? = nil) {
    self.code = code
    self.message = message
    self.violation = violation
    self.retryAfterSeconds = retryAfterSeconds
  }

  package func encoded(_ encoding: BodyEncoding) -> [UInt8] {
    switch encoding {
    case .protobuf: protobuf()
    case .json: json()
    }
  }

  private static let badRequestType = "type.googleapis.com/google.rpc.BadRequest"
  private static let retryInfoType = "type.googleapis.com/google.rpc.RetryInfo"

  private func protobuf() -> [UInt8] {
    var status: [UInt8] = []
    status.appendField(1, varint: UInt64(code.rawValue))
    status.appendField(2, text: message)
    if let violation {
      var field: [UInt8] = []
      field.appendField(1, text: "body")
      field.appendField(2, text: violation)
      var badRequest: [UInt8] = []
      badRequest.appendField(1, bytes: field)
      status.appendField(3, bytes: Self.packed(Self.badRequestType, badRequest))
    }
    if let retryAfterSeconds {
      var duration: [UInt8] = []
      duration.appendField(1, varint: UInt64(retryAfterSeconds))
      var retryInfo: [UInt8] = []
      retryInfo.appendField(1, bytes: duration)
      status.appendField(3, bytes: Self.packed(Self.retryInfoType, retryInfo))
    }
    return status
  }

  /// `google.protobuf.Any`.
  private static func packed(_ type: String, _ message: [UInt8]) -> [UInt8] {
    var any: [UInt8] = []
    any.appendField(1, text: type)
    any.appendField(2, bytes: message)
    return any
  }

  private func json() -> [UInt8] {
    var status = Array("{\"code\":\(code.rawValue),\"message\":".utf8)
    status.appendJSON(message)
    var details: [[UInt8]] = []
    if let violation {
      var detail = Array("{\"@type\":\"\(Self.badRequestType)\",\"fieldViolations\":".utf8)
      detail += Array("[{\"field\":\"body\",\"description\":".utf8)
      detail.appendJSON(violation)
      details.append(detail + Array("}]}".utf8))
    }
    if let retryAfterSeconds {
      details.append(Array("{\"@type\":\"\(Self.retryInfoType)\",\"retryDelay\":\"\(retryAfterSeconds)s\"}".utf8))
    }
    if !details.isEmpty {
      status += Array(",\"details\":[".utf8)
      status += details.joined(separator: CollectionOfOne(UInt8(ascii: ",")))
      status.append(UInt8(ascii: "]"))
    }
    status.append(UInt8(ascii: "}"))
    return status
  }
}

/// One run of `garner load`, as the command line asked for it.
struct LoadPlan: Sendable {
  enum Encoding: String, CaseIterable, Sendable {
    case protobuf, json

    var contentType: String { self == .json ? "application/json" : "application/x-protobuf" }
  }

  enum Way: String, CaseIterable, Sendable {
    case http, grpc

    var door: String { self == .grpc ? "otlp_grpc" : "otlp_http" }
    var port: Int { self == .grpc ? 4317 : 4318 }
  }

  var target: LoadTarget
  var way: Way
  /// Sent in turn.
  var signals: [LoadShape.Signal]
  var encoding: Encoding
  var connections: Int
  var batch: Int
  /// Records to send in all; nil: until the time is over.
  var records: Int?
  var nanoseconds: Int64?
  /// Records a second; nil: as fast as answers come.
  var rate: Int?
  var gzip: Bool
  var classes: Int
  var days: Int

  func template(_ signal: LoadShape.Signal, records: Int, sender: Int) -> LoadTemplate {
    let shape = LoadShape(signal: signal, classes: classes, days: days)
    return switch encoding {
    case .protobuf: LoadProtobuf.request(shape, records: records, sender: sender)
    case .json: LoadJSON.request(shape, records: records, sender: sender)
    }
  }

  func head(_ signal: LoadShape.Signal, bytes: Int) -> [UInt8] {
    Array(
      """
      POST \(target.prefix)/v1/\(signal.rawValue) HTTP/1.1\r
      Host: \(target.authority)\r
      User-Agent: garner-load\r
      Content-Type: \(encoding.contentType)\r
      \(gzip ? "Content-Encoding: gzip\r\n" : "")Content-Length: \(bytes)\r
      \r

      """.utf8)
  }
}

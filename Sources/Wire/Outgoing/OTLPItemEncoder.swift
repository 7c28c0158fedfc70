import Telemetry

/// Bytes around the children of a resource, a scope or a metric, as ranges of the encoder's bytes.
struct OTLPParcelLevel {
  var head: Range<Int>
  /// In JSON: where in `head` further attributes go.
  var split = 0
  var tail: Range<Int>
  /// The protobuf tag of the field of a metric that its points are in.
  var wrapper: UInt8 = 0
  /// Index of the level around it.
  var parent = 0
}

/// Turns records into items, each complete in itself, and into the levels around them.
protocol OTLPItemEncoder: AnyObject {
  /// Bytes written so far.
  var byteCount: Int { get }
  /// Forgets what came behind the first `count` bytes.
  func truncate(to count: Int)
  /// Eight bytes that are no part of any item.
  func number(_ number: Int64)
  /// Gives where the item begins. A span stays open for its events.
  func item(_ record: OTLPRecord) throws(JSONFault) -> Int
  /// An event of the open span; when it throws, nothing was added.
  func event(_ record: OTLPRecord) throws(JSONFault)
  /// Completes the open span, if there is one.
  func endItem()
  func resource(
    _ resource: OTLPRecord.Resource, adding added: [OTLPAddedAttribute]
  ) throws(JSONFault) -> OTLPParcelLevel
  func scope(_ scope: OTLPRecord.Scope) throws(JSONFault) -> OTLPParcelLevel
  func metric(_ metric: OTLPRecord.Metric) throws(JSONFault) -> OTLPParcelLevel
  /// The bytes, to be freed by the taker; the encoder begins anew.
  func take() -> UnsafeRawBufferPointer
}

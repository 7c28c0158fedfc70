package import Telemetry

/// OTLP export requests of the three signals into batches. One request is one batch.
package enum OTLPDecoder {
  /// `body` is an `ExportTraceServiceRequest` or its sibling, decompressed. Throws when it is no such message; records that
  /// are wrong alone are in the batch's rejections (CONFORMANCE RSP-03, RSP-06).
  package static func decodeProtobuf(
    _ signal: Signal, _ body: UnsafeRawBufferPointer, options: DecodeOptions
  ) throws(DecodeError) -> Batch {
    var decoder = ProtoDecoder(signal, options: options, bodyBytes: body.count)
    if let start = body.baseAddress {
      let first = start.assumingMemoryBound(to: UInt8.self)
      do throws(ProtoFault) {
        try decoder.request(ProtoCursor(at: first, end: first + body.count))
      } catch {
        throw DecodeError(fault: error, body: body)
      }
    }
    return decoder.finish()
  }
}

extension DecodeError {
  /// A fault in joined bytes lies outside the body; its offset is 0.
  fileprivate init(fault: ProtoFault, body: UnsafeRawBufferPointer) {
    let distance = fault.address &- UInt(bitPattern: body.baseAddress)
    let kind: Kind =
      switch fault.kind {
      case .truncated, .overrun: .truncated
      case .tooDeep: .tooDeep
      case .longVarint, .badTag, .wireType, .groupEnd, .tooManyRepeats: .malformed
      }
    let offset = distance <= UInt(body.count) ? Int(distance) : 0
    self.init(kind, "protobuf: \(fault.message)", at: offset)
  }
}

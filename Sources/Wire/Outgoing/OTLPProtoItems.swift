import Telemetry

/// Items of protobuf: a span, log record or point without its tag and length.
final class OTLPProtoItems: OTLPItemEncoder {
  private var encoder: OTLPProtoEncoder
  private let rules: OTLPAttributeRules

  init(_ rules: OTLPAttributeRules) {
    self.rules = rules
    encoder = OTLPProtoEncoder(capacity: 1 << 16, rules)
  }

  var byteCount: Int { encoder.out.count }

  func truncate(to count: Int) { encoder.out.truncate(to: count) }

  func number(_ number: Int64) { encoder.fixed64(UInt64(bitPattern: number)) }

  func item(_ record: OTLPRecord) throws(JSONFault) -> Int {
    let start = encoder.out.count
    do throws(JSONFault) {
      switch record.kind {
      case .span, .spanEvent: try encoder.span(record)
      case .log: try encoder.log(record)
      case .number: try encoder.numberPoint(record)
      case .distribution: try encoder.distribution(record)
      }
    } catch {
      encoder.out.truncate(to: start)
      throw error
    }
    return start
  }

  func event(_ record: OTLPRecord) throws(JSONFault) {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.spanEvent(record)
    } catch {
      encoder.out.truncate(to: start)
      throw error
    }
  }

  func endItem() {}

  func resource(
    _ resource: OTLPRecord.Resource, adding added: [OTLPAddedAttribute]
  ) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.resource(resource, adding: added)
    } catch {
      encoder.out.truncate(to: start)
      throw error
    }
    return schemaURL(resource.schemaURL, behind: start)
  }

  func scope(_ scope: OTLPRecord.Scope) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.scope(scope)
    } catch {
      encoder.out.truncate(to: start)
      throw error
    }
    return schemaURL(scope.schemaURL, behind: start)
  }

  /// Of a resource and of a scope it is field 3 of what they are in.
  private func schemaURL(_ url: UnsafeRawBufferPointer, behind start: Int) -> OTLPParcelLevel {
    let end = encoder.out.count
    encoder.text(0x1a, url)
    return OTLPParcelLevel(head: start..<end, tail: end..<encoder.out.count)
  }

  func metric(_ metric: OTLPRecord.Metric) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.metric(metric)
    } catch {
      encoder.out.truncate(to: start)
      throw error
    }
    let end = encoder.out.count
    encoder.metricTail(metric)
    var level = OTLPParcelLevel(head: start..<end, tail: end..<encoder.out.count)
    level.wrapper = OTLPProtoEncoder.wrapper(metric.type)
    return level
  }

  func take() -> UnsafeRawBufferPointer {
    // The next parcels will be about as large.
    let capacity = encoder.out.count + encoder.out.count / 8
    let taken = encoder.out.take()
    encoder = OTLPProtoEncoder(capacity: Swift.max(capacity, 1 << 12), rules)
    return taken
  }
}

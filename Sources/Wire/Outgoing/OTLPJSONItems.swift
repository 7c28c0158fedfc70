import Telemetry

/// Items of OTLP/JSON: an object each. Heads of levels end with the bracket that their children come behind.
final class OTLPJSONItems: OTLPItemEncoder {
  private var encoder: OTLPJSONEncoder
  private let signal: Signal
  private let rules: OTLPAttributeRules

  init(_ signal: Signal, _ rules: OTLPAttributeRules) {
    self.signal = signal
    self.rules = rules
    encoder = Self.encoder(signal, rules)
  }

  private static func encoder(_ signal: Signal, _ rules: OTLPAttributeRules) -> OTLPJSONEncoder {
    var encoder = OTLPJSONEncoder(signal)
    encoder.rules = rules
    return encoder
  }

  var byteCount: Int { encoder.out.count }

  func truncate(to count: Int) {
    encoder.out.truncate(to: count)
    encoder.levels.isInSpan = false
  }

  func number(_ number: Int64) { withUnsafeBytes(of: number.littleEndian) { encoder.out.append($0) } }

  func item(_ record: OTLPRecord) throws(JSONFault) -> Int {
    let start = encoder.out.count
    // Behind a bracket the encoder puts no comma.
    encoder.out.append("[")
    do throws(JSONFault) {
      switch record.kind {
      case .span, .spanEvent: try encoder.span(record)
      case .log: try encoder.log(record)
      case .number: try encoder.numberPoint(record)
      case .distribution: try encoder.distribution(record)
      }
    } catch {
      truncate(to: start)
      throw error
    }
    return start + 1
  }

  func event(_ record: OTLPRecord) throws(JSONFault) {
    let start = encoder.out.count
    let levels = encoder.levels
    do throws(JSONFault) {
      try encoder.spanEvent(record)
    } catch {
      encoder.out.truncate(to: start)
      encoder.levels = levels
      throw error
    }
  }

  func endItem() { encoder.closeSpan() }

  /// The encoder puts a comma before what follows something.
  private func withoutComma(_ start: Int) -> Int {
    encoder.out.count > start && encoder.out.base[start] == UInt8(ascii: ",") ? start + 1 : start
  }

  func resource(
    _ resource: OTLPRecord.Resource, adding added: [OTLPAddedAttribute]
  ) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      let split = try encoder.open(resource, adding: added)
      var level = end(start, "]}")
      level.split = split
      return level
    } catch {
      truncate(to: start)
      throw error
    }
  }

  func scope(_ scope: OTLPRecord.Scope) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.open(scope)
    } catch {
      truncate(to: start)
      throw error
    }
    return end(start, "]}")
  }

  func metric(_ metric: OTLPRecord.Metric) throws(JSONFault) -> OTLPParcelLevel {
    let start = encoder.out.count
    do throws(JSONFault) {
      try encoder.open(metric)
    } catch {
      truncate(to: start)
      throw error
    }
    return end(start, "]}}")
  }

  private func end(_ start: Int, _ tail: StaticString) -> OTLPParcelLevel {
    let end = encoder.out.count
    encoder.out.append(tail)
    return OTLPParcelLevel(head: withoutComma(start)..<end, tail: end..<encoder.out.count)
  }

  func take() -> UnsafeRawBufferPointer {
    let taken = encoder.out.take()
    encoder = Self.encoder(signal, rules)
    return taken
  }
}

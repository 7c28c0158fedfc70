import Telemetry

/// How much an event may be: the limits of a record of OTLP, so that it does not matter over which door it comes.
/// Texts are measured as they are, arrays and maps as their JSON.
extension BatchBuilder {
  @inline(__always) mutating func measureKey(_ byteCount: Int) {
    if byteCount > ProtoLimits.keyBytes { noteTooMuch(.keyTooLong) }
  }

  @inline(__always) mutating func measureValue(_ byteCount: Int) {
    if byteCount > ProtoLimits.valueBytes { noteTooMuch(.valueTooLong) }
  }

  /// To be called before the object of the event is closed.
  @inline(__always) mutating func measureAttributes(_ mark: ObjectMark) {
    if keyHashes.count &- mark.firstKey > ProtoLimits.attributes { noteTooMuch(.tooManyAttributes) }
  }

  @inline(never) private mutating func noteTooMuch(_ reason: Rejection.Reason) {
    if tooMuch == nil { tooMuch = reason }
  }

  /// Why the event at hand has to be refused; the next one begins with nothing.
  @inline(__always) mutating func takeTooMuch() -> Rejection.Reason? {
    guard let reason = tooMuch else { return nil }
    tooMuch = nil
    return reason
  }
}

extension TextEvent {
  /// Its columns; what is in `data` is measured while it is copied.
  var hasLongColumn: Bool {
    let columns = [severityText, correlation, session, component, gameModule, modFingerprint, category, uid]
    return columns.contains { $0.map { $0.count > ProtoLimits.valueBytes } ?? false }
  }
}

extension EventRow {
  var hasLongColumn: Bool {
    let columns = [sessionID, component, gameModule, modFingerprint, category, event, severity, correlation, uid]
    return columns.contains { $0.map { $0.utf8.count > ProtoLimits.valueBytes } ?? false }
  }
}

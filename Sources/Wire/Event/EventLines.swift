package import Telemetry

/// What a line of an event file leaves open.
package struct EventLineDefaults: Sendable, Equatable {
  package var source: [UInt8]
  package var component: [UInt8]
  package var session: [UInt8]
  package var gameModule: [UInt8]
  package var modFingerprint: [UInt8]

  package init(
    source: [UInt8], component: [UInt8], session: [UInt8], gameModule: [UInt8] = [], modFingerprint: [UInt8] = []
  ) {
    self.source = source
    self.component = component
    self.session = session
    self.gameModule = gameModule
    self.modFingerprint = modFingerprint
  }
}

/// Events of form J in a file: an object a line, a bare event or an envelope.
extension DatagramBatch {
  /// Nil: all of the line was appended. Else nothing, but one record that is refused for this reason. `arrival`: nanoseconds
  /// since 1970; `path`: how the line is called where it is told.
  package mutating func append(
    line: UnsafeRawBufferPointer, _ defaults: borrowing EventLineDefaults, arrival: Int64,
    path: @autoclosure () -> String
  ) -> Rejection.Reason? {
    var shared = Shared(sentMicroseconds: nil, arrival: arrival)
    shared.source = defaults.source
    shared.component = defaults.component
    shared.session = defaults.session
    shared.gameModule = defaults.gameModule
    shared.modFingerprint = defaults.modFingerprint
    guard let reason = appendBare(line, shared) else { return nil }
    // An envelope has no name; what it holds is counted by itself.
    if reason == .badName, let envelope = try? DatagramEnvelope(line),
      envelope.numbers != nil || envelope.eventCount != 1
    {
      let sender = DatagramSender(source: shared.source, component: shared.component, session: shared.session)
      return append(envelope, from: sender, arrival: arrival) == 0 ? nil : .badJSON
    }
    _ = placeOf(shared)
    builder.reject(reason, path: path(), record: "")
    return reason
  }

  private mutating func appendBare(_ line: UnsafeRawBufferPointer, _ shared: Shared) -> Rejection.Reason? {
    guard UTF8Text.isValid(line) else { return .badUTF8 }
    guard var cursor = JSONCursor(line), (try? cursor.peek()) == UInt8(ascii: "{") else { return .badJSON }
    do throws(JSONFault) {
      _ = try cursor.storedValue()
      cursor.skipSpace()
      guard cursor.left == 0 else { return .badJSON }
    } catch {
      return error.kind == .tooDeep ? .tooDeep : .badJSON
    }
    return append(line, shared, nil)
  }
}

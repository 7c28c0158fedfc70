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

/// What of a line was not stored.
package struct EventLineRefusal: Sendable, Equatable {
  package var reason: Rejection.Reason
  /// Number of the event in its envelope, from 0.
  package var event = 0
  /// A line that says this event alone, without line end; nil: the line as it is.
  package var line: [UInt8]?
}

/// Events of form J in a file: an object a line, a bare event or an envelope.
extension DatagramBatch {
  /// Appends what of a line can be stored, and gives what cannot: a line that is no envelope is one event. `arrival`:
  /// nanoseconds since 1970; `path`: how the line is called where it is told.
  package mutating func append(
    line: UnsafeRawBufferPointer, _ defaults: borrowing EventLineDefaults, arrival: Int64,
    path: @autoclosure () -> String
  ) -> [EventLineRefusal] {
    var shared = Shared(sentMicroseconds: nil, arrival: arrival)
    shared.source = defaults.source
    shared.component = defaults.component
    shared.session = defaults.session
    shared.gameModule = defaults.gameModule
    shared.modFingerprint = defaults.modFingerprint
    guard let reason = appendBare(line, shared) else { return [] }
    // An envelope has no name; what it holds is counted by itself.
    if reason == .badName, let envelope = try? DatagramEnvelope(line), envelope.isEnvelope {
      let sender = DatagramSender(source: shared.source, component: shared.component, session: shared.session)
      let refused = appendEvents(envelope, from: sender, arrival: arrival)
      _ = closePacket()
      return refused.map { index, reason in
        EventLineRefusal(reason: reason, event: index, line: envelope.line(line, keeping: index))
      }
    }
    _ = placeOf(shared)
    builder.reject(reason, path: path(), record: "")
    return [EventLineRefusal(reason: reason)]
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

extension DatagramEnvelope {
  /// The envelope, as it was written in `line`, around one of its events, which keeps its number.
  func line(_ line: UnsafeRawBufferPointer, keeping index: Int) -> [UInt8]? {
    guard var input = StoredObject(line) else { return nil }
    var out: [UInt8] = [UInt8(ascii: "{")]
    do throws(JSONFault) {
      while let key = try input.next() {
        let value = try input.cursor.storedValue()
        if out.count > 1 { out.append(UInt8(ascii: ",")) }
        out.append(UInt8(ascii: "\""))
        out += key
        out += Array("\":".utf8)
        if key.spells("ev") {
          out.append(UInt8(ascii: "["))
          out += events[index].bytes
          out.append(UInt8(ascii: "]"))
        } else if key.spells("n"), let numbers {
          out += Array(String(numbers.firstEvent &+ UInt64(index)).utf8)
        } else {
          out += value
        }
      }
    } catch {
      return nil
    }
    return out + [UInt8(ascii: "}")]
  }
}

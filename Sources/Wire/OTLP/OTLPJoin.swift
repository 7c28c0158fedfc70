package import Telemetry

/// Many OTLP/JSON lines of one signal into one request, so that a file of small lines is decoded and stored in large batches.
/// What is refused in the request is told by line again.
package struct OTLPJoin {
  package let signal: Signal
  /// Where the resources of each line begin in the request, and how many there were before.
  private var starts: [Int] = []
  private var firsts: [Int] = []
  private var resources = 0
  private var request: [UInt8]

  package init(_ signal: Signal) {
    self.signal = signal
    request = Array("{\"\(Self.key(signal))\":[".utf8)
  }

  /// The array of resources of a line that has just one signal and no identity of ours, without its brackets; nil for any
  /// other line, also one that is no JSON.
  package static func resources(_ line: UnsafeRawBufferPointer) -> (signal: Signal, inside: UnsafeRawBufferPointer)? {
    guard var object = StoredObject(line) else { return nil }
    var found: (signal: Signal, inside: UnsafeRawBufferPointer)?
    do throws(JSONFault) {
      while let key = try object.next() {
        if key.spells("garner") { return nil }
        let signal = Signal.allCases.first { key.elementsEqual(Self.key($0).utf8) }
        let isArray = try object.cursor.peek() == UInt8(ascii: "[")
        let value = try object.cursor.storedValue()
        guard let signal else { continue }
        guard isArray, found == nil else { return nil }
        found = (signal, UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1]))
      }
      object.cursor.skipSpace()
      return object.cursor.left == 0 ? found : nil
    } catch {
      return nil
    }
  }

  package mutating func append(_ inside: UnsafeRawBufferPointer) {
    let isEmpty = inside.allSatisfy { $0 <= 0x20 }
    if !isEmpty && resources > 0 { request.append(UInt8(ascii: ",")) }
    starts.append(request.count)
    firsts.append(resources)
    request.append(contentsOf: inside)
    if !isEmpty { resources += Self.count(inside) }
  }

  /// Values in an array without its brackets that was checked.
  private static func count(_ inside: UnsafeRawBufferPointer) -> Int {
    guard var cursor = JSONCursor(inside) else { return 0 }
    var count = 0
    while cursor.left > 0, (try? cursor.storedValue()) != nil {
      count += 1
      cursor.skipSpace()
      if !cursor.passes(UInt8(ascii: ",")) { break }
    }
    return count
  }

  package func finish() -> [UInt8] { request + Array("]}".utf8) }

  /// Number of the line that an offset of the request lies in.
  package func line(at offset: Int) -> Int { Self.last(starts, offset) }

  /// Number of the line that a rejection is from, and its path in that line.
  package func line(of rejection: Rejection) -> (line: Int, path: String)? {
    let begin = "\(Self.key(signal))["
    guard rejection.path.hasPrefix(begin), let close = rejection.path.firstIndex(of: "]"),
      let number = Int(rejection.path[rejection.path.index(rejection.path.startIndex, offsetBy: begin.count)..<close])
    else { return nil }
    let line = Self.last(firsts, number)
    guard line < firsts.count else { return nil }
    return (line, begin + "\(number - firsts[line])" + rejection.path[close...])
  }

  /// The last place whose value is not above `value`.
  private static func last(_ values: [Int], _ value: Int) -> Int {
    var low = 0
    var high = values.count
    while low < high {
      let middle = (low + high) / 2
      if values[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }

  static func key(_ signal: Signal) -> String {
    switch signal {
    case .traces: "resourceSpans"
    case .metrics: "resourceMetrics"
    case .logs: "resourceLogs"
    }
  }
}

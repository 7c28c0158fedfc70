/// A request cut down to the records that were refused: what has to be mended and sent again, and nothing that is stored.
package enum OTLPRefused {
  /// `paths` name records or places inside them, e.g. `resourceSpans[0].scopeSpans[1].spans[2].traceId`. Nil when one of
  /// them cannot be followed: then the whole line has to do.
  package static func request(_ line: UnsafeRawBufferPointer, keeping paths: [String]) -> [UInt8]? {
    var root = Node()
    for path in paths {
      guard let steps = steps(path) else { return nil }
      root.add(steps[...])
    }
    var out: [UInt8] = []
    guard var cursor = JSONCursor(line), (try? copy(&cursor, root, isTop: true, &out)) ?? false else { return nil }
    return out
  }

  private enum Step: Hashable {
    case key(String)
    case index(Int)
  }

  /// Which elements of which arrays stay; a node without children stays as it is.
  private struct Node {
    var children: [Step: Node] = [:]

    mutating func add(_ steps: ArraySlice<Step>) {
      guard let first = steps.first else { return }
      children[first, default: Node()].add(steps.dropFirst())
    }
  }

  /// Down to the record: its last index. Three of them, or four for the points of a metric.
  private static func steps(_ path: String) -> [Step]? {
    var steps: [Step] = []
    var indices = 0
    let wanted = path.hasPrefix("resourceMetrics") ? 4 : 3
    for part in path.split(separator: ".") {
      guard let open = part.firstIndex(of: "[") else {
        steps.append(.key(String(part)))
        continue
      }
      guard part.last == "]", let index = Int(part[part.index(after: open)...].dropLast()) else { return nil }
      steps.append(.key(String(part[..<open])))
      steps.append(.index(index))
      indices += 1
      if indices == wanted { return steps }
    }
    return indices > 0 ? steps : nil
  }

  /// False when a path leads nowhere.
  private static func copy(
    _ c: inout JSONCursor, _ node: Node, isTop: Bool, _ out: inout [UInt8]
  ) throws(JSONFault) -> Bool {
    if node.children.isEmpty {
      out.append(contentsOf: try c.storedValue())
      return true
    }
    return try c.peek() == UInt8(ascii: "[") ? array(&c, node, &out) : object(&c, node, isTop: isTop, &out)
  }

  private static func object(
    _ c: inout JSONCursor, _ node: Node, isTop: Bool, _ out: inout [UInt8]
  ) throws(JSONFault) -> Bool {
    var input = StoredObject(c)
    var left = node.children.count
    var isFirst = true
    out.append(UInt8(ascii: "{"))
    while let key = try input.next() {
      let name = String(decoding: key, as: UTF8.self)
      let child = node.children[.key(name)]
      // Beside the refused there are other signals, and an identity that is of all records.
      if child == nil && isTop {
        _ = try input.cursor.storedValue()
        continue
      }
      if !isFirst { out.append(UInt8(ascii: ",")) }
      isFirst = false
      out.append(UInt8(ascii: "\""))
      out.append(contentsOf: key)
      out.append(contentsOf: Array("\":".utf8))
      if let child {
        left -= 1
        guard try copy(&input.cursor, child, isTop: false, &out) else { return false }
      } else {
        out.append(contentsOf: try input.cursor.storedValue())
      }
    }
    c = input.cursor
    out.append(UInt8(ascii: "}"))
    return left == 0
  }

  private static func array(_ c: inout JSONCursor, _ node: Node, _ out: inout [UInt8]) throws(JSONFault) -> Bool {
    var input = StoredArray(c)
    var index = 0
    var kept = 0
    out.append(UInt8(ascii: "["))
    while try input.next() {
      if let child = node.children[.index(index)] {
        if kept > 0 { out.append(UInt8(ascii: ",")) }
        kept += 1
        guard try copy(&input.cursor, child, isTop: false, &out) else { return false }
      } else {
        _ = try input.cursor.storedValue()
      }
      index += 1
    }
    c = input.cursor
    out.append(UInt8(ascii: "]"))
    return kept == node.children.count
  }
}

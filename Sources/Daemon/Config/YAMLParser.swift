import CYAML

/// Reads one YAML document with libyaml. Refused: aliases and anchors, tags, a second document, nesting over 32 levels
/// and a key that is given twice; configuration needs none of them, and each is a way to say one thing and mean another.
package enum YAMLParser {
  /// Root is nil for an empty document and when the text is not YAML; duplicate keys are reported and the tree kept, so
  /// that one run shows all problems.
  package static func parse(_ bytes: [UInt8]) -> (root: YAMLNode?, problems: [YAMLProblem]) {
    var composer = Composer(EventReader(bytes))
    do throws(YAMLProblem) {
      let root = try composer.document()
      return (root, composer.problems)
    } catch {
      return (nil, composer.problems + [error])
    }
  }

  package static func parse(_ text: String) -> (root: YAMLNode?, problems: [YAMLProblem]) { parse(Array(text.utf8)) }
}

/// One step of the parser, freed of C memory.
private struct Event {
  enum Content: Equatable {
    case structure
    case documentStart, streamEnd
    case scalar(String, plain: Bool)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
  }
  var content: Content
  var mark: YAMLMark
}

/// libyaml's state on the heap, because the parser keeps pointers into itself and into the text.
private struct EventReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) {
    parser = .allocate(capacity: 1)
    text = .allocate(capacity: bytes.count)
    _ = text.initialize(from: bytes)
    yaml_parser_initialize(parser)
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    text.deallocate()
  }

  mutating func next() throws(YAMLProblem) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { yaml_event_delete(&event) }
    let mark = YAMLMark(event.start_mark)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT: return Event(content: .documentStart, mark: mark)
    case YAML_STREAM_END_EVENT: return Event(content: .streamEnd, mark: mark)
    case YAML_ALIAS_EVENT:
      throw YAMLProblem(message: "aliases (*name) are not allowed here; write the value again", mark: mark)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try refuse(anchor: scalar.anchor, tag: scalar.tag, at: mark)
      let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      // A path or a host with a zero byte ends early once it is a C string.
      guard !value.utf8.contains(0) else { throw YAMLProblem(message: "a value holds a zero byte", mark: mark) }
      return Event(content: .scalar(value, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE), mark: mark)
    case YAML_SEQUENCE_START_EVENT:
      try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, at: mark)
      return Event(content: .sequenceStart, mark: mark)
    case YAML_MAPPING_START_EVENT:
      try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, at: mark)
      return Event(content: .mappingStart, mark: mark)
    case YAML_SEQUENCE_END_EVENT: return Event(content: .sequenceEnd, mark: mark)
    case YAML_MAPPING_END_EVENT: return Event(content: .mappingEnd, mark: mark)
    default: return Event(content: .structure, mark: mark)
    }
  }

  private func refuse(
    anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, at mark: YAMLMark
  ) throws(YAMLProblem) {
    if anchor != nil { throw YAMLProblem(message: "anchors (&name) are not allowed here", mark: mark) }
    if tag != nil { throw YAMLProblem(message: "tags (!name) are not allowed here", mark: mark) }
  }

  private func problem() -> YAMLProblem {
    var message = parser.pointee.problem.map { String(cString: $0) } ?? "this is not YAML"
    if let context = parser.pointee.context {
      message += ", \(String(cString: context)) that begins at line \(parser.pointee.context_mark.line + 1)"
    }
    // Bytes that are no text are found before there is a line to name.
    if parser.pointee.error == YAML_READER_ERROR {
      return YAMLProblem(message: "\(message) at byte \(parser.pointee.problem_offset)", mark: nil)
    }
    return YAMLProblem(message: message, mark: YAMLMark(parser.pointee.problem_mark))
  }
}

/// Events to a tree.
private struct Composer: ~Copyable {
  private var reader: EventReader
  var problems: [YAMLProblem] = []

  init(_ reader: consuming EventReader) { self.reader = reader }

  /// Composing recurses; far deeper than any configuration, far from the end of the stack.
  private static let depthLimit = 32

  mutating func document() throws(YAMLProblem) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try reader.next()
      switch event.content {
      case .streamEnd: return root
      case .documentStart:
        if root != nil { throw YAMLProblem(message: "a second document (---) is not read", mark: event.mark) }
        root = try node(try reader.next(), depth: 0)
      default: continue
      }
    }
  }

  private mutating func node(_ event: Event, depth: Int) throws(YAMLProblem) -> YAMLNode {
    guard depth < Composer.depthLimit else {
      throw YAMLProblem(message: "nested deeper than \(Composer.depthLimit) levels", mark: event.mark)
    }
    switch event.content {
    case .scalar(let text, let plain): return YAMLNode(.scalar(text, plain: plain), at: event.mark)
    case .sequenceStart:
      var items: [YAMLNode] = []
      while true {
        let next = try reader.next()
        if next.content == .sequenceEnd { return YAMLNode(.sequence(items), at: event.mark) }
        items.append(try node(next, depth: depth + 1))
      }
    case .mappingStart: return try mapping(event.mark, depth: depth)
    default: throw YAMLProblem(message: "a value is missing", mark: event.mark)
    }
  }

  private mutating func mapping(_ mark: YAMLMark, depth: Int) throws(YAMLProblem) -> YAMLNode {
    var entries: [YAMLNode.Entry] = []
    var seen: [String: YAMLMark] = [:]
    while true {
      let next = try reader.next()
      if next.content == .mappingEnd { return YAMLNode(.mapping(entries), at: mark) }
      guard case .scalar(let name, _) = next.content else {
        throw YAMLProblem(message: "a key must be a plain name", mark: next.mark)
      }
      let value = try node(try reader.next(), depth: depth + 1)
      if let first = seen[name] {
        problems.append(
          YAMLProblem(message: "`\(name)` is given twice; first at line \(first.line)", mark: next.mark))
      } else {
        seen[name] = next.mark
        entries.append(YAMLNode.Entry(name: name, mark: next.mark, value: value))
      }
    }
  }
}

extension YAMLMark {
  fileprivate init(_ mark: yaml_mark_t) { self.init(line: mark.line + 1, column: mark.column + 1) }
}

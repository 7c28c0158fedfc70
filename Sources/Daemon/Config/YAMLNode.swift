/// A place in a file, counted from 1.
package struct YAMLMark: Sendable, Equatable {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// One node of a YAML document with its place; what a scalar means is decided by the key that reads it.
package struct YAMLNode: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// `plain` is false for quoted and block scalars, which are always text: `"5"` is no number, `"~"` no null.
    case scalar(String, plain: Bool)
    case sequence([YAMLNode])
    /// In file order, names unique.
    case mapping([Entry])
  }

  package struct Entry: Sendable, Equatable {
    package var name: String
    package var mark: YAMLMark?
    package var value: YAMLNode
  }

  package var content: Content
  /// Nil for values that come from the environment or the command line.
  package var mark: YAMLMark?

  package init(_ content: Content, at mark: YAMLMark? = nil) {
    self.content = content
    self.mark = mark
  }

  /// `key:`, `key: ~` and `key: null`: the key is not set.
  package var isNull: Bool {
    guard case .scalar(let text, plain: true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  package var isEmpty: Bool {
    switch content {
    case .scalar: isNull
    case .sequence(let items): items.isEmpty
    case .mapping(let entries): entries.isEmpty
    }
  }

  package subscript(name: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.name == name }?.value
  }

  /// For messages: `found a list`.
  var kindName: String {
    switch content {
    case .scalar: "a single value"
    case .sequence: "a list"
    case .mapping: "a map"
    }
  }
}

/// What is wrong with a document, and where.
package struct YAMLProblem: Error, Sendable, Equatable {
  package var message: String
  package var mark: YAMLMark?
}

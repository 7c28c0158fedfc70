/// One key of the configuration: its name, what may stand there, and one sentence for the operator.
package struct ConfigKey: Sendable {
  /// `listen.otlp_http`.
  package let path: String
  package let typeName: String
  package let doc: String
  /// Nil: its own field. An alias is another name of the field of this key.
  package let aliasOf: String?
  /// Keys of parts that are not built: accepted while empty, never documented.
  package let isReserved: Bool
  /// Reads the value into its field.
  let apply: @Sendable (YAMLNode, inout GarnerConfig, inout [ConfigFault]) -> Void
  /// The value of the field, as it could stand in the file.
  let show: @Sendable (GarnerConfig) -> String
  /// Whether the value of the key behind an alias says what the alias says too.
  let collides: @Sendable (YAMLNode) -> Bool

  /// The name of the environment variable: `GARNER_LISTEN_OTLP_HTTP`.
  package var environmentName: String {
    "GARNER_" + path.uppercased().split(separator: ".").joined(separator: "_")
  }

  /// The value in an environment variable is JSON.
  var takesTree: Bool {
    isReserved || path == "retention.classes" || path == "destinations" || typeName.hasPrefix("list of ")
  }

  package var defaultText: String { show(GarnerConfig()) }

  init<Value>(
    _ path: String, _ field: any WritableKeyPath<GarnerConfig, Value> & Sendable, _ type: ConfigType<Value>,
    aliasOf: String? = nil, collides: @escaping @Sendable (YAMLNode) -> Bool = { _ in true }, _ doc: String
  ) {
    self.path = path
    self.typeName = type.name
    self.doc = doc
    self.aliasOf = aliasOf
    self.collides = collides
    isReserved = false
    apply = { node, config, faults in
      guard let value = type.read(node, config[keyPath: field], &faults) else { return }
      config[keyPath: field] = value
    }
    show = { type.show($0[keyPath: field]) }
  }

  init(reserved path: String) {
    self.path = path
    typeName = "nothing"
    doc = ""
    aliasOf = nil
    isReserved = true
    collides = { _ in false }
    apply = { node, _, faults in
      if !node.isEmpty {
        faults.append(ConfigFault(message: "`\(path)` is not built yet; leave it out or empty", mark: node.mark))
      }
    }
    show = { _ in "" }
  }
}

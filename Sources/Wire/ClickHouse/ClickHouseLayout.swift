/// A table has a column of the right name whose type does not take our values, e.g. attributes as `JSON`.
package struct ClickHouseMisfit: Error, Sendable, CustomStringConvertible {
  package var table: String
  package var column: String
  package var type: String
  package var wanted: String
  package var description: String { "column \(column) of table \(table) is \(type), wanted is \(wanted)" }
}

/// Which columns a table has: those that it lacks are left out.
package struct ClickHouseLayout: Sendable, Equatable {
  private var columns: UInt64 = 0

  /// All columns, as `ClickHouseSchema` creates them.
  package init(_ table: ClickHouseTable) {
    for field in ClickHouseField.fields(of: table) { columns |= field.column.bit }
  }

  /// As `DESCRIBE TABLE` tells. `name`: for the words of an error.
  package init(
    _ table: ClickHouseTable, named name: String, described: [(name: String, type: String)]
  ) throws(ClickHouseMisfit) {
    let types = described.reduce(into: [String: String]()) { $0[$1.name] = $1.type }
    for field in ClickHouseField.fields(of: table) {
      guard let type = types[field.column.name] else { continue }
      guard ClickHouseKind(type).takes(ClickHouseKind(field.type)) else {
        throw ClickHouseMisfit(table: name, column: field.column.name, type: type, wanted: field.type)
      }
      columns |= field.column.bit
    }
  }

  func has(_ column: ClickHouseColumn) -> Bool { columns & column.bit != 0 }
}

/// What a type is made for, as far as it matters to what is written.
private indirect enum ClickHouseKind: Equatable {
  case text, integer, float, boolean, map, time, other
  case array(ClickHouseKind)

  init(_ type: String) {
    for wrapper in ["LowCardinality(", "Nullable("] where type.hasPrefix(wrapper) && type.hasSuffix(")") {
      self = ClickHouseKind(String(type.dropFirst(wrapper.count).dropLast()))
      return
    }
    if type.hasPrefix("Array(") && type.hasSuffix(")") {
      self = .array(ClickHouseKind(String(type.dropFirst(6).dropLast())))
    } else if type.hasPrefix("DateTime") {
      self = .time
    } else if type == "String" || type.hasPrefix("Enum") {
      self = .text
    } else if type.hasPrefix("UInt") || type.hasPrefix("Int") {
      self = .integer
    } else if type.hasPrefix("Float") {
      self = .float
    } else if type == "Bool" {
      self = .boolean
    } else if type.hasPrefix("Map(") {
      self = .map
    } else {
      self = .other
    }
  }

  func takes(_ wanted: ClickHouseKind) -> Bool {
    switch (self, wanted) {
    case (.integer, .boolean): true
    case (.array(let element), .array(let other)): element.takes(other)
    default: self == wanted && self != .other
    }
  }
}

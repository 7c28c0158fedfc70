import Telemetry

extension PrometheusFold {
  /// Runes that an exemplar's labels may have in OpenMetrics.
  private static let runeLimit = 128

  /// Those of the point that was just read, oldest first (CONFORMANCE PT-10).
  func addExemplars(_ index: Int) throws(JSONFault) {
    guard let cursor = JSONCursor(reader.exemplars) else { return }
    struct Exemplar {
      var value = 0.0
      var time: Int64 = 0
      var labels: [(name: [UInt8], value: [UInt8])] = []
    }
    var all: [Exemplar] = []
    var list = StoredArray(cursor)
    while try list.next() {
      var one = Exemplar()
      one.time = points[index].time
      var ids: [(name: [UInt8], value: [UInt8])] = []
      var filtered: [(name: [UInt8], value: [UInt8])] = []
      var object = StoredObject(list.cursor)
      while let name = try object.next() {
        if name.spells("value") {
          one.value = try PointReader.double(&object.cursor)
        } else if name.spells("time_unix_nano") {
          let time = try object.cursor.storedUnsigned()
          if time > 0, let time = Int64(exactly: time) { one.time = Self.milliseconds(time) }
        } else if name.spells("trace_id") || name.spells("span_id") {
          let text = try object.cursor.storedString()
          ids.append((Array(name), Array(text.dropFirst().dropLast())))
        } else if name.spells("filtered_attributes") {
          try forEachAttribute(try object.cursor.storedValue()) { key, value in
            guard isLabel(key), !value.isEmpty else { return }
            let label = labelName(key)
            guard !label.isEmpty, !filtered.contains(where: { $0.name == label }) else { return }
            filtered.append((label, value))
          }
        } else {
          _ = try object.cursor.storedValue()
        }
      }
      list.cursor = object.cursor
      one.labels = ids.filter { !$0.value.isEmpty }
      let names = one.labels.map(\.name)
      let whole = one.labels + filtered.filter { !names.contains($0.name) }
      if whole.reduce(0, { $0 + Self.runes($1.name) + Self.runes($1.value) }) <= Self.runeLimit { one.labels = whole }
      one.labels.sort { $0.name.lexicographicallyPrecedes($1.name) }
      all.append(one)
    }
    all.sort { $0.time < $1.time }
    points[index].exemplars = Int32(exemplars.count)
    points[index].exemplarCount = Int32(all.count)
    for one in all {
      append(one.value.bitPattern)
      append(UInt64(bitPattern: one.time))
      append(UInt64(one.labels.count))
      for (name, value) in one.labels {
        append(name)
        append(value)
      }
    }
  }

  private static func runes(_ text: [UInt8]) -> Int { text.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) } }

  private func append(_ word: UInt64) {
    withUnsafeBytes(of: word.littleEndian) { exemplars.append($0) }
  }

  private func append(_ text: [UInt8]) {
    withUnsafeBytes(of: UInt32(text.count).littleEndian) { exemplars.append($0) }
    text.withUnsafeBytes { exemplars.append($0) }
  }
}

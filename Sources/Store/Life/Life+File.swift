import Telemetry

extension Life {
  /// `file:` a data file, or a file that was dropped or imported, by its name or its SHA-256.
  func ofFile(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    try ofDataFile(item) + ofDropped(item) + ofQuarantine(item)
  }

  private func ofDataFile(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    var events: [LifeEvent] = []
    for file in files where file.path == item.id || file.path.hasSuffix("/" + item.id) {
      var rows = LifeRows(self, item)
      try rows.read(file) { _ throws(SQLiteError) in ("1", []) }
      events += rows.events.filter { $0.step != .received }
    }
    // A landing file that is settled is there no more, its rows are.
    let name = item.id.split(separator: "/").last.map(String.init) ?? ""
    if events.isEmpty, name.hasSuffix(".db"), let number = Int64(name.dropLast(3)), let at = settled[number] {
      let parts = files.filter { !$0.isLanding && $0.number == number }
      events.append(
        LifeEvent(
          .settled, item, time: Timestamp.text(at), count: nil, detail: "into \(parts.count) files of this number"))
      for part in parts {
        events.append(
          LifeEvent(
            .settled, item, time: Timestamp.text(at), count: nil, place: relative(part.path),
            detail: "\(part.rows) rows, class \(part.className ?? "")"))
      }
    }
    return events
  }

  private func ofQuarantine(_ item: LifeItem) -> [LifeEvent] {
    let name = item.id.split(separator: "/").last.map(String.init) ?? item.id
    return FileSystem.list(directory.quarantine).filter { $0 == name || $0.hasPrefix(name + ".") }.map {
      LifeEvent(.lost, item, place: "quarantine/" + $0, detail: "damaged and set aside; what could be saved was")
    }
  }

  // MARK: dropped and imported files

  private func ofDropped(_ item: LifeItem) throws(SQLiteError) -> [LifeEvent] {
    var marks = StoredMarks(prefix: DropMark.prefix)
    for connection in try identities() { try marks.add(connection) }
    let name = item.id.split(separator: "/").last.map(String.init) ?? item.id
    var events: [LifeEvent] = []
    let known = marks.all.compactMap { DropMark($0) }
    for mark in known where mark.isCalled(name) { events += mark.events(item) }
    if FileSystem.exists(directory.drop + "/in/" + name) {
      events.append(LifeEvent(.received, item, place: "drop/in/" + name, detail: "waits to be taken"))
    }
    guard events.isEmpty, let digest = digest(item, name) else { return events }
    for mark in known where mark.isCalled(digest) { events += mark.events(item) + mark.repeated(item) }
    return try events.isEmpty ? ofContent(item, digest) : events
  }

  /// SHA-256 of the file, if it is still there: one that was taken under another name is known by its content only.
  private func digest(_ item: LifeItem, _ name: String) -> String? {
    if Self.bytes(item.id)?.count == 32 { return item.id.lowercased() }
    let places = [item.id] + ["done", "rejected"].map { "\(directory.drop)/\($0)/\(name)" }
    for place in places {
      guard let file = MappedFile(place) else { continue }
      var sum = FileDigest()
      sum.add(file.bytes)
      return sum.hex
    }
    return nil
  }

  /// What was stored of a content that was imported: its records are numbered by their places.
  private func ofContent(_ item: LifeItem, _ digest: String) throws(SQLiteError) -> [LifeEvent] {
    // A range grows: what is in `state.db` may be there again, and longer, in a landing file.
    var ranges = ImportedRanges()
    for connection in try identities() {
      let rows = try connection.rows("SELECT first, last FROM imported WHERE store = ?", .text("file:" + digest))
      for row in rows {
        guard case .integer(let first) = row[0], case .integer(let last) = row[1], first <= last else { continue }
        ranges.insert(ranges.handle(digest), first...last)
      }
    }
    let count = ranges.count(ranges.handle(digest))
    return count == 0 ? [] : [LifeEvent(.stored, item, door: "import", count: count, detail: "sha256 \(digest)")]
  }
}

/// What the drop folder wrote down of a file, in the transaction of its rows: key `drop:` and SHA-256; value: texts with a
/// zero behind each (version, state, name, source, format, bytes, taken, finished, offset, line, loads, received, stored,
/// filtered, deduplicated, rejected, held, number of reasons, then reason and count each).
struct DropMark {
  static let prefix = Array("drop:".utf8)

  private let digest: String
  private let texts: [String]

  /// Nil: written by a version that is not known.
  init?(_ mark: Mark) {
    guard let value = mark.value else { return nil }
    texts = value.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    digest = mark.key.dropFirst(Self.prefix.count).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
    guard texts.count > 18, texts[0] == "1" else { return nil }
  }

  /// By name, by the name it got where its own was taken, or by SHA-256.
  func isCalled(_ name: String) -> Bool {
    name == texts[2] || name.lowercased() == digest || name == "\(texts[2]).\(digest.prefix(8))"
  }

  private func number(_ index: Int) -> Int64 { Int64(texts[index]) ?? 0 }
  private func time(_ index: Int) -> String? { number(index) > 0 ? Timestamp.text(number(index)) : nil }

  /// Of a file with the same content that came again under another name.
  func repeated(_ item: LifeItem) -> [LifeEvent] {
    if item.id.lowercased() == digest { return [] }
    return [LifeEvent(.deduplicated, item, door: "drop", source: source, detail: "the same content as \(texts[2])")]
  }

  private var reasons: String {
    var parts: [String] = []
    for index in 0..<max(0, Int(number(17))) where 19 + 2 * index < texts.count {
      parts.append("\(texts[18 + 2 * index]) \(texts[19 + 2 * index])")
    }
    return parts.joined(separator: ", ")
  }

  /// An import of that content left the mark: its file lay wherever it lay, and no place in it is told.
  private var isImport: Bool {
    texts[4] == "import" || texts[4] == "garner_export" && number(8) == 0 && (number(11) > 0 || texts[3].isEmpty)
  }

  private var source: String? { texts[3].isEmpty ? nil : texts[3] }

  func events(_ item: LifeItem) -> [LifeEvent] {
    let door = isImport ? "import" : "drop"
    let isRejected = texts[1] == "rejected"
    let folder = texts[1] == "taking" ? "in" : texts[1]
    var events = [
      LifeEvent(
        .received, item, time: time(6), door: door, source: source, count: number(11),
        place: isImport ? nil : "drop/\(folder)/\(texts[2])",
        detail: "\(number(5)) bytes, \(texts[4]), sha256 \(digest)" + (texts[1] == "taking" ? ", being taken" : ""))
    ]
    let steps: [(LifeEvent.Step, Int)] = [(.stored, 12), (.filtered, 13), (.deduplicated, 14), (.rejected, 15)]
    for (step, index) in steps where number(index) > 0 || (step == .rejected && isRejected) {
      events.append(
        LifeEvent(
          step, item, time: time(7), door: door, source: source, count: number(index),
          detail: step == .rejected ? reasons : nil))
    }
    return events
  }
}

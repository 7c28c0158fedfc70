import Telemetry

/// Looks for an item in `<data>/rejected/*.ndjson`: records that were refused alone, and bodies nobody could read.
struct RejectedLines {
  private let directory: DataDirectory
  /// Of one item; who has more has seen enough.
  private static let limit = 1_000

  init(_ directory: DataDirectory) { self.directory = directory }

  /// Empty also when a log cannot be read: it is a help, not a book.
  func events(_ item: LifeItem) -> [LifeEvent] {
    var events: [LifeEvent] = []
    for name in FileSystem.list(directory.rejected).sorted() where name.hasSuffix(".ndjson") {
      guard let file = MappedFile(directory.rejected + "/" + name) else { continue }
      for line in Self.lines(file.bytes, with: "\"\(item.id)\"") {
        if events.count == Self.limit { return events }
        if let event = Self.event(line, item, "rejected/" + name) { events.append(event) }
      }
    }
    return events
  }

  /// Lines that hold `text`, each once.
  private static func lines(_ bytes: UnsafeRawBufferPointer, with text: String) -> [String] {
    let search = TextSearch(text)
    var lines: [String] = []
    var at = 0
    while let place = search.first(in: bytes, from: at) {
      let start = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
      at = end
    }
    return lines
  }

  /// How each kind is spelled in a record; the text alone may be anything.
  private static func isAbout(_ line: String, _ item: LifeItem) -> Bool {
    switch item.kind {
    case .trace: line.contains("\"trace_id\":\"\(item.id)\"") || line.contains("correlation")
    case .session: line.contains("session.id") || line.contains("session_id")
    case .game: line.contains("game_id") || line.contains("game.id")
    case .batch: line.contains("\"hash\":\"\(item.id)\"")
    case .record: line.contains("log.record.uid") || line.contains("\"uid\"")
    case .file: line.contains("\"file\":\"\(item.id)\"")
    }
  }

  private static func event(_ line: String, _ item: LifeItem, _ place: String) -> LifeEvent? {
    guard isAbout(line, item), let connection = try? Connection(":memory:", .create),
      let row = try? connection.rows(
        """
        SELECT ?1 ->> '$.time', ?1 ->> '$.door', ?1 ->> '$.source', ?1 ->> '$.reason', ?1 ->> '$.path',
          ?1 ->> '$.length', ?1 ->> '$.offset'
        """, .text(line)
      ).first
    else { return nil }
    var detail = row[3].string ?? ""
    if let path = row[4].string, !path.isEmpty { detail += " at \(path)" }
    var count: Int64? = 1
    if case .integer(let length) = row[5] {
      detail += ", \(length) bytes"
      // A body that cannot be read has no records to count.
      count = nil
    }
    if case .integer(let offset) = row[6] { detail += ", byte \(offset)" }
    return LifeEvent(
      .rejected, item, time: row[0].string, door: row[1].string, source: row[2].string, count: count, place: place,
      detail: detail)
  }
}

/// Finds a text in many bytes (Horspool): most are never looked at.
struct TextSearch {
  private let needle: [UInt8]
  private var skip: [Int]

  /// `text` must not be empty.
  init(_ text: String) {
    needle = Array(text.utf8)
    skip = [Int](repeating: needle.count, count: 256)
    for (index, byte) in needle.dropLast().enumerated() { skip[Int(byte)] = needle.count - 1 - index }
  }

  func first(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let last = needle.count - 1
    var at = start
    while at + last < bytes.count {
      var index = last
      while index >= 0 && bytes[at + index] == needle[index] { index -= 1 }
      if index < 0 { return at }
      at += skip[Int(bytes[at + last])]
    }
    return nil
  }
}

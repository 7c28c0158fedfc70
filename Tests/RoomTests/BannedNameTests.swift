import Testing

@Suite struct BannedNameTests {
  @Test(arguments: BannedName.all) func isWrittenNowhere(name: BannedName) {
    let files =
      switch name.place {
      case .sources: Repository.sources
      case .tests: Repository.tests
      case .everywhere: Repository.swift
      }
    for file in files where !isAtHome(name, in: file) {
      for line in file.code where line.text.holds(name.name) {
        if let allowed = name.unless, line.text.contains(allowed) { continue }
        Issue.record("\(file.path):\(line.number): \(name.name): \(name.reason)")
      }
    }
  }

  /// Nothing here is published: `package` is the widest access.
  @Test func nothingIsPublic() {
    for file in Repository.swift where !file.path.hasPrefix(ownFolder) {
      for line in file.code {
        let words = line.text.split(whereSeparator: \.isWhitespace)
        guard let at = words.firstIndex(where: { $0 == "public" || $0 == "open" || $0.hasPrefix("public(") }) else {
          continue
        }
        let declarations: Set<Substring> = [
          "func", "let", "var", "struct", "class", "enum", "protocol", "actor", "init", "import", "extension", "static",
          "final", "subscript", "typealias", "nonisolated", "mutating",
        ]
        if at + 1 < words.count, declarations.contains(words[at + 1]) {
          Issue.record("\(file.path):\(line.number): package is the widest access here")
        }
      }
    }
  }

  /// What the compiler cannot check is explained beside it.
  @Test func everyUncheckedPromiseHasItsSentence() {
    let promises = ["@unchecked Sendable", "nonisolated(unsafe)"]
    for file in Repository.sources {
      for line in file.code where promises.contains(where: line.text.holds) {
        let beside = file.lines[max(0, line.number - 4)..<min(file.lines.count, line.number + 2)]
        if !beside.contains(where: { $0.contains("//") }) {
          Issue.record("\(file.path):\(line.number): say in a comment why this promise holds")
        }
      }
    }
  }

  private func isAtHome(_ name: BannedName, in file: Repository.File) -> Bool {
    if file.path.hasPrefix(ownFolder) || name.exceptFiles.contains(file.name) { return true }
    return file.room.map(name.exceptRooms.contains) ?? false
  }

  /// These tests have to write the names they look for.
  private let ownFolder = "Tests/RoomTests/"
}

extension BannedName: CustomTestStringConvertible {
  var testDescription: String { name }
}

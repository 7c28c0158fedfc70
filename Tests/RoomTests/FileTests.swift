import Testing

@Suite struct FileTests {
  /// All other tests here would pass on an empty folder.
  @Test func findsTheSourcesAndTheTests() {
    #expect(Repository.sources.count > 30)
    #expect(Repository.tests.contains { $0.path == "Tests/RoomTests/FileTests.swift" })
    #expect(Repository.sources.contains { $0.path == "Sources/Wire/Wire.swift" && $0.room == "Wire" })
  }

  /// Past about 400 lines a file is probably two ideas; at 700 it is no longer a question.
  @Test func noFileIsLongerThan700Lines() {
    for file in Repository.swift where !file.isGenerated && file.lines.count > 700 {
      Issue.record("\(file.path) has \(file.lines.count) lines: it is more than one idea")
    }
  }

  @Test func nothingIsLeftForLater() {
    let marks = ["TODO", "FIXME", "XXX", "HACK"]
    for file in Repository.texts where !isOwn(file) {
      for (index, line) in file.lines.enumerated() {
        for mark in marks where hasWord(mark, in: line) {
          Issue.record("\(file.path):\(index + 1): \(mark): do it, or open an issue")
        }
      }
    }
  }

  /// A path of the machine where something was written means nothing elsewhere.
  @Test func noPathOfABuildMachineIsWritten() {
    let paths = ["work", "root", "home", "Users"].map { "/\($0)/" }
    for file in Repository.texts where !isOwn(file) {
      for (index, line) in file.lines.enumerated() {
        // Names of the folders that privacy looks for.
        let named = file.path.contains("rivacy") || file.path.contains("TextScrub") ? paths.prefix(2) : paths[...]
        for path in named where line.holds(path) {
          Issue.record("\(file.path):\(index + 1): \(path)")
        }
      }
    }
  }

  /// A name says what is inside: neither when it was written nor that it holds this and that.
  @Test func namesOfFilesSayWhatIsInside() {
    let banned: Set<String> = [
      "New", "Old", "V2", "Legacy", "Deprecated", "Temp", "Utils", "Util", "Common", "Core", "Helper", "Helpers",
      "Manager", "Impl", "Misc",
    ]
    // systemd's own word for itself.
    let allowed: Set<String> = ["ServiceManager.swift"]
    for file in Repository.swift where !allowed.contains(file.name) {
      for part in file.path.split(separator: "/") {
        let stem = part.split(separator: ".").first ?? part
        for word in words(ofCamelCase: stem) where banned.contains(word) {
          Issue.record("\(file.path): \"\(word)\" tells nothing")
        }
      }
    }
  }

  @Test func everyRoomTellsItsPurposeInAFileOfItsName() {
    for room in Room.all where room.name.first?.isUppercase == true {
      let path = "Sources/\(room.name)/\(room.name).swift"
      guard let file = Repository.file(path) else {
        Issue.record("\(path) is missing: the room's purpose, verb and invariants")
        continue
      }
      #expect(file.lines.contains { $0.hasPrefix("///") }, "\(path) has no doc comment")
    }
  }

  @Test func splitsCamelCaseIntoWords() {
    #expect(words(ofCamelCase: "SQLiteOldHelper") == ["SQLite", "Old", "Helper"])
    #expect(words(ofCamelCase: "CoreV2") == ["Core", "V2"])
    #expect(words(ofCamelCase: "Renewal") == ["Renewal"])
  }

  private func isOwn(_ file: Repository.File) -> Bool { file.path == "Tests/RoomTests/FileTests.swift" }

  /// `mark` with neither letter nor digit beside it.
  private func hasWord(_ mark: String, in line: Substring) -> Bool {
    line.holds(mark) && line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == mark }
  }

  private func words(ofCamelCase text: Substring) -> [String] {
    var words: [String] = []
    var previousIsSmall = true
    for letter in text {
      if letter == "-" || letter == "_" || letter == "+" {
        previousIsSmall = true
        words.append("")
        continue
      }
      if (letter.isUppercase && previousIsSmall) || words.isEmpty {
        words.append(String(letter))
      } else {
        words[words.count - 1].append(letter)
      }
      previousIsSmall = !letter.isUppercase
    }
    return words.filter { !$0.isEmpty }
  }
}

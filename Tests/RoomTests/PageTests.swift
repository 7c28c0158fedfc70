import Testing

/// Pages go stale in silence; what can be checked, is.
@Suite struct PageTests {
  @Test func everyMakeVerbNamedInAPageExists() throws {
    let makefile = try #require(Repository.file("Makefile"))
    let verbs = Set(
      makefile.lines.compactMap { line -> Substring? in
        guard let colon = line.firstIndex(of: ":"), line.first?.isLowercase == true else { return nil }
        let name = line[..<colon]
        return name.allSatisfy({ $0.isLowercase || $0 == "-" }) ? name : nil
      })
    #expect(verbs.isSuperset(of: ["help", "build", "run", "test", "check", "bench", "proto", "clean"]))
    for page in Repository.pages {
      for (index, line) in page.lines.enumerated() {
        for verb in makeVerbs(in: line) where !verbs.contains(verb) {
          Issue.record("\(page.path):\(index + 1): there is no `make \(verb)`")
        }
      }
    }
  }

  @Test func everyLinkInAPageLeadsSomewhere() {
    for page in Repository.pages {
      let folder = page.path.split(separator: "/").dropLast().joined(separator: "/")
      for (index, line) in page.lines.enumerated() {
        for target in links(in: line) where !target.contains("://") && !target.hasPrefix("#") {
          let path = target.split(separator: "#").first.map(String.init) ?? target
          if !Repository.exists(resolve(path, from: folder)) {
            Issue.record("\(page.path):\(index + 1): \(target) does not exist")
          }
        }
      }
    }
  }

  @Test func everyFileOfThisRepositoryNamedInAPageExists() {
    let folders = ["Sources/", "Tests/", "docs/", "config/", "docker/", "proto/", "tools/", ".ci/"]
    for page in Repository.pages {
      for (index, line) in page.lines.enumerated() {
        for name in quoted(in: line) where folders.contains(where: name.hasPrefix) && !name.contains("*") {
          if !Repository.exists(String(name)) { Issue.record("\(page.path):\(index + 1): `\(name)` does not exist") }
        }
      }
    }
  }

  /// The table of `docs/architecture.md` and `Room.all` are one table written twice.
  @Test func architecturePageShowsTheModuleTable() throws {
    let page = try #require(Repository.file("docs/architecture.md"))
    for room in Room.all {
      let row = page.lines.first { $0.hasPrefix("| `\(room.name)` |") }
      guard let row else {
        Issue.record("docs/architecture.md has no row for \(room.name)")
        continue
      }
      let cells = row.split(separator: "|")
      let imports = Set(cells.count > 2 ? quoted(in: cells[2]).map { String($0) } : [])
      #expect(imports == room.own, "imports of \(room.name) in docs/architecture.md")
    }
  }

  private func makeVerbs(in line: Substring) -> [Substring] {
    let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "-" && $0 != "`" && $0 != "=" }
    let isCommand = line.hasPrefix("make ") || line.hasPrefix("    make ")
    return words.indices.dropLast().compactMap { at in
      guard words[at] == "`make" || (isCommand && words[at] == "make") else { return nil }
      let verb = words[at + 1].split(separator: "`").first ?? ""
      return verb.contains("=") || verb.isEmpty ? nil : verb
    }
  }

  /// Targets of `[text](target)`.
  private func links(in line: Substring) -> [String] {
    line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { rest in
      rest.firstIndex(of: ")").map { String(rest[..<$0]) }
    }
  }

  /// What stands between single backticks.
  private func quoted(in line: Substring) -> [Substring] {
    line.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { $0 % 2 == 1 ? $1 : nil }
  }

  private func resolve(_ path: String, from folder: String) -> String {
    var parts = folder.split(separator: "/")
    for part in path.split(separator: "/") {
      switch part {
      case "..": _ = parts.popLast()
      case ".": break
      default: parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }
}

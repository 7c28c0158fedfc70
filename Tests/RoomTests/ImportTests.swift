import Testing

@Suite struct ImportTests {
  @Test(arguments: Room.all) func importsOnlyWhatTheModuleTableAllows(room: Room) {
    for file in Repository.sources where file.room == room.name {
      for (line, module) in imports(of: file) where !room.mayImport(module) {
        Issue.record("\(file.path):\(line): \(room.name) may not import \(module); see docs/architecture.md")
      }
    }
  }

  @Test func everyFolderOfSourcesIsARoomOfTheTable() {
    let known = Set(Room.all.map(\.name)).union(Room.cLibraries)
    for room in Set(Repository.sources.compactMap(\.room)) where !known.contains(room) {
      Issue.record("Sources/\(room) is not in the module table")
    }
  }

  @Test func nothingImportsAllOfFoundation() {
    for file in Repository.swift {
      for (line, module) in imports(of: file) where module == "Foundation" || module == "XCTest" {
        Issue.record("\(file.path):\(line): \(module) costs 44 MB of ICU or a second test library")
      }
    }
  }

  @Test func arrowsOfTheModuleTableMakeNoCycle() {
    let arrows = Dictionary(uniqueKeysWithValues: Room.all.map { ($0.name, $0.own) })
    for room in Room.all {
      var reached: Set<String> = []
      var waiting = Array(room.own)
      while let next = waiting.popLast() {
        guard reached.insert(next).inserted else { continue }
        waiting += arrows[next] ?? []
      }
      #expect(!reached.contains(room.name), "\(room.name) reaches itself")
    }
  }

  @Test(arguments: [
    ("import Telemetry", "Telemetry"), ("package import NIOCore", "NIOCore"),
    ("@preconcurrency import Crypto", "Crypto"), ("  @_spi(Testing) internal import Store", "Store"),
    ("import struct Logging.Logger", "Logging"), ("import func Glibc.open", "Glibc"),
  ]) func readsEveryShapeOfAnImport(line: String, module: String) {
    #expect(importedModule(line[...]) == module)
  }

  @Test(arguments: ["let important = 1", "importer.run()", "// import NIOCore"]) func readsNoImportInOtherLines(
    line: String
  ) {
    #expect(importedModule(line[...]) == nil)
  }

  private func imports(of file: Repository.File) -> [(Int, String)] {
    file.code.compactMap { line in importedModule(line.text).map { (line.number, $0) } }
  }

  private func importedModule(_ line: Substring) -> String? {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { return nil }
    let levels: Set<Substring> = ["package", "public", "internal", "private", "fileprivate"]
    guard words[..<at].allSatisfy({ $0.hasPrefix("@") || levels.contains($0) }) else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let name = kinds.contains(words[at + 1]) && at + 2 < words.count ? words[at + 2] : words[at + 1]
    return name.split(separator: ".").first.map(String.init)
  }
}

extension Room: CustomTestStringConvertible {
  var testDescription: String { name }
}

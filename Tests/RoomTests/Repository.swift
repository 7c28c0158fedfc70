import FoundationEssentials
import Testing

/// The files of this repository as the room tests read them.
enum Repository {
  /// Absolute path of the folder that holds `Package.swift`, found from where this file was compiled.
  static let root: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()

  struct File: Sendable, CustomTestStringConvertible {
    /// Path from the root, as a person would name it.
    let path: String
    let lines: [Substring]
    /// Lines that are not empty, without their comments, and their numbers.
    let code: [(number: Int, text: Substring)]

    init(path: String, text: String) {
      self.path = path
      lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      code = lines.enumerated().compactMap { index, line in
        let text = Self.withoutComment(line)
        return text.isEmpty ? nil : (index + 1, text)
      }
    }

    /// First folder below `Sources/`; nil elsewhere.
    var room: String? {
      let parts = path.split(separator: "/")
      return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Generated files say so in their first lines and are nobody's style.
    var isGenerated: Bool { lines.prefix(3).contains { $0.contains("swift-format-ignore-file") } }

    var testDescription: String { path }

    private static func withoutComment(_ line: Substring) -> Substring {
      let bytes = line.utf8
      var quoted = false
      var previous: UInt8 = 0
      for index in bytes.indices {
        let byte = bytes[index]
        if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") { quoted.toggle() }
        if !quoted, byte == UInt8(ascii: "/"), previous == UInt8(ascii: "/") {
          return line[line.startIndex..<bytes.index(before: index)]
        }
        previous = byte
      }
      return line
    }
  }

  /// Every Swift file under `Sources/` and `Tests/`.
  static let swift = files(under: "Sources", ending: [".swift"]) + files(under: "Tests", ending: [".swift"])
  static let sources = swift.filter { $0.room != nil }
  static let tests = swift.filter { $0.room == nil }

  /// Whatever a person writes and reads here, code or not.
  static let texts: [File] =
    swift + files(under: "docs", ending: [".md"]) + files(under: "config", ending: [".yaml", ".yml"])
    + files(under: "docker", ending: ["Dockerfile", ".md"]) + files(under: "tools", ending: [".sh", ".py", ".c"])
    + files(under: "proto", ending: [".proto"]) + files(under: "Tests", ending: [".py", ".txt"])
    + files(under: "Sources", ending: [".h", ".modulemap", ".sql"]) + files(under: ".ci", ending: ["run"])
    + ["README.md", "CHANGELOG.md", "NOTICE", "Makefile", "Package.swift", ".gitignore"].compactMap(file)

  /// The pages a person reads first.
  static let pages = files(under: "docs", ending: [".md"]) + ["README.md", "CHANGELOG.md"].compactMap(file)

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

  static func file(_ path: String) -> File? {
    guard let bytes = FileManager.default.contents(atPath: root + "/" + path) else { return nil }
    return File(path: path, text: String(decoding: bytes, as: UTF8.self))
  }

  static func files(under folder: String, ending: [String]) -> [File] {
    let below = (try? FileManager.default.subpathsOfDirectory(atPath: root + "/" + folder + "/")) ?? []
    let wanted = below.filter { path in ending.contains { path.hasSuffix($0) } }
    return wanted.sorted().compactMap { file(folder + "/" + $0) }
  }
}

extension Substring {
  /// `contains`, byte by byte: the standard one compares characters and takes 50 times as long.
  func holds(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    let found = utf8.withContiguousStorageIfAvailable { bytes in
      guard bytes.count >= wanted.count, let first = wanted.first else { return wanted.isEmpty }
      for start in 0...(bytes.count - wanted.count) where bytes[start] == first {
        if bytes[start..<(start + wanted.count)].elementsEqual(wanted) { return true }
      }
      return false
    }
    return found ?? contains(text)
  }
}

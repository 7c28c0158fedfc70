import Glibc
import Intake
import Testing

@Suite struct PrivacyKeyFileTests {
  private func withFolder(_ work: (String) throws -> Void) throws {
    var template = Array("/tmp/garner-keys-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer {
      for name in ["keys/privacy.jsonl", "keys/f"] { _ = unlink("\(made)/\(name)") }
      _ = rmdir("\(made)/keys")
      _ = rmdir(made)
    }
    try work(made)
  }

  private func write(_ text: String, _ path: String, mode: mode_t = 0o600) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
    _ = Glibc.write(file, text, text.utf8.count)
    fchmod(file, mode)
    close(file)
  }

  @Test func makesAKeyOnceForItsOwnerOnly() throws {
    try withFolder { folder in
      let path = "\(folder)/keys/privacy.jsonl"
      let first = try PseudonymKeyFile.open(path, now: 1_770_000_000_000_000_000)
      let second = try PseudonymKeyFile.open(path, now: 1)
      #expect(first.entries == second.entries && first.entries.count == 1)
      #expect(first.active.key.count == 32 && first.active.active && first.active.created.hasPrefix("2026-02-02T"))
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }
  }

  @Test func readsTheKeysOfEvents() throws {
    try withFolder { folder in
      mkdir("\(folder)/keys", 0o700)
      let path = "\(folder)/keys/f"
      let key = String(repeating: "0a", count: 32)
      write(
        """
        {"id":"own","key":"\(key)","created":"2026-01-01T00:00:00Z","active":true}

        {"active":false,"id":"cup","key":"\(key.uppercased())","note":"spring \\"cup\\""}
        """, path)
      let keys = try #require(try PseudonymKeyFile.read(path))
      #expect(keys.entries.map(\.id) == ["own", "cup"] && keys.active.id == "own")
      #expect(keys.contains(id: "cup") && !keys.contains(id: "other"))
      #expect(keys.entries[1].key == [UInt8](repeating: 10, count: 32))
    }
  }

  @Test(arguments: [
    "x", "{}", "[]", "{\"id\":\"a\",\"key\":\"00\"}", "{\"id\":\"\",\"key\":\"\(String(repeating: "00", count: 32))\"}",
    "{\"id\":\"a\",\"key\":{}}", "{\"id\":\"a\",\"key\":\"\(String(repeating: "zz", count: 32))\"}",
  ])
  func namesTheLineThatIsWrong(line: String) throws {
    try withFolder { folder in
      mkdir("\(folder)/keys", 0o700)
      let path = "\(folder)/keys/f"
      write("\n" + line, path)
      #expect(throws: PseudonymKeyFile.Fault.badLine(path: path, line: 2)) { _ = try PseudonymKeyFile.read(path) }
    }
  }

  @Test func wantsOneActiveKey() throws {
    try withFolder { folder in
      mkdir("\(folder)/keys", 0o700)
      let path = "\(folder)/keys/f"
      let key = String(repeating: "0a", count: 32)
      func line(_ id: String, _ active: Bool) -> String {
        "{\"id\":\"\(id)\",\"key\":\"\(key)\",\"active\":\(active)}\n"
      }
      write(line("a", true) + line("b", false) + line("c", true), path)
      let several = PseudonymKeyFile.Fault.severalActive(path: path, line: 3)
      #expect(throws: several) { _ = try PseudonymKeyFile.read(path) }
      #expect("\(several)".contains("\(path): line 3: "))
      write(line("a", false), path)
      #expect(throws: PseudonymKeyFile.Fault.noneActive(path: path)) { _ = try PseudonymKeyFile.read(path) }
    }
  }

  @Test func refusesAFileThatOthersMayRead() throws {
    try withFolder { folder in
      mkdir("\(folder)/keys", 0o700)
      let path = "\(folder)/keys/f"
      write("", path, mode: 0o640)
      #expect(throws: PseudonymKeyFile.Fault.tooOpen(path: path)) { _ = try PseudonymKeyFile.read(path) }
      write("\n", path)
      #expect(throws: PseudonymKeyFile.Fault.noKey(path: path)) { _ = try PseudonymKeyFile.read(path) }
      let none = try PseudonymKeyFile.read("\(folder)/nowhere")
      #expect(none == nil)
    }
  }
}

/// What somebody should look at in a data directory. Reads only, beside a running daemon too.
package struct Checkup {
  package struct Finding: Sendable, Equatable {
    package var check: String
    package var isGood: Bool
    package var detail: String
  }

  /// Setting in `state.db`: since when nothing goes by age because the file was lost or damaged; empty: not so.
  static let restored = "state_restored"

  private let directory: DataDirectory

  package init(_ directory: DataDirectory) { self.directory = directory }

  /// Throws when `state.db` cannot be read.
  package func findings() throws(SQLiteError) -> [Finding] {
    guard FileSystem.exists(directory.state) else {
      return [Finding(check: "state", isGood: false, detail: "state.db is gone: the next start makes one anew")]
    }
    let connection = try Connection(directory.state, .readOnly)
    func setting(_ name: String) throws(SQLiteError) -> String {
      try connection.text("SELECT value FROM counter WHERE name = ?", .text(name)) ?? ""
    }
    let restored = try setting(Self.restored)
    let isClockDoubted = ClockWatch.Memory(try setting(ClockWatch.setting))?.doubted != nil
    let aside = FileSystem.list(directory.quarantine).filter { !$0.hasSuffix(".why.txt") }
    return [
      Finding(
        check: "state", isGood: restored.isEmpty,
        detail: restored.isEmpty
          ? "state.db is the one that was written last"
          : "state.db was damaged or lost at \(restored): nothing goes by age until `garner doctor --accept`"),
      Finding(
        check: "clock", isGood: !isClockDoubted,
        detail: isClockDoubted
          ? "it jumped by more than 30 days: nothing goes by age until it has gone on from there for six hours"
          : "it has not jumped"),
      Finding(
        check: "quarantine", isGood: aside.isEmpty,
        detail: aside.isEmpty
          ? "nothing was set aside" : "\(aside.count) damaged files lie in \(directory.quarantine), and stay there"),
    ]
  }
}

extension DataStore {
  /// The operator has seen that `state.db` is not the newest: retention goes on by age. False: there was nothing to accept.
  package func acceptState() throws(StoreFailure) -> Bool {
    do throws(SQLiteError) {
      guard try catalog.setting(Checkup.restored)?.isEmpty == false else { return false }
      try catalog.setSetting(Checkup.restored, "")
      live.wantLook()
      wake()
      return true
    } catch { throw StoreFailure(error) }
  }
}

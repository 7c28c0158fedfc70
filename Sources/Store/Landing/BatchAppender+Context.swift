import Telemetry

extension BatchAppender {
  private static let switchName = Array("session.profile_switch".utf8)

  /// Start events teach what other rows of their game or session do not repeat (R81–R84).
  func teach(_ entry: LandingWriter.Waiting, _ file: LandingFile) throws(SQLiteError) {
    let batch = entry.batch
    let switches = batch.names.firstIndex { batch.bytes($0.event).elementsEqual(Self.switchName) }.map { Int32($0) }
    let teaching = Row.Present.teachesContext.rawValue
    // Most batches have no such event: then nothing of them is copied.
    guard switches != nil || batch.rows.contains(where: { $0.present.rawValue & teaching != 0 }) else { return }
    var changed: Set<LearnedContexts.Key> = []
    for row in batch.rows where row.kind.isRecord {
      let isSwitch = row.name == switches
      if !isSwitch && row.present.rawValue & teaching == 0 { continue }
      let context = batch.contexts[Int(row.context)]
      let source = sourceName(batch.text(context.source), entry.door)
      // Many senders share this name, and none of them may speak for another.
      if source == Self.otherSource { continue }
      let session = batch.text(context.session)
      let game = isSwitch ? "" : batch.text(context.gameID)
      let own = LearnedContexts.Facts(
        gameModule: optional(batch, context.gameModule), modFingerprint: optional(batch, context.modFingerprint))
      let key = LearnedContexts.Key(source: source, session: session, game: game)
      var isNew = false
      if isSwitch {
        let data = batch.bytes(row.data)
        let old = LearnedContexts.Facts(
          gameModule: JSONField.string("old_game_module", in: data),
          modFingerprint: JSONField.string("old_fingerprint", in: data))
        let new = LearnedContexts.Facts(
          gameModule: JSONField.string("new_game_module", in: data) ?? own.gameModule,
          modFingerprint: JSONField.string("new_fingerprint", in: data) ?? own.modFingerprint)
        if learned.moments(of: key).isEmpty {
          isNew = learned.learn(source: source, session: session, game: game, old)
        }
        isNew = learned.learn(source: source, session: session, game: game, new, at: row.time) || isNew
      } else {
        isNew = learned.learn(source: source, session: session, game: game, own, at: row.time)
      }
      if isNew { changed.insert(key) }
    }
    for key in changed { try learned.write(key, to: file.connection) }
    try Inheritance(file: file, learned: learned).spread(changed, nextID: nextID)
  }

  private func optional(_ batch: Batch, _ slice: Slice) -> String? { slice.isEmpty ? nil : batch.text(slice) }
}

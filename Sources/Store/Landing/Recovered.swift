import Telemetry

/// What a start found on disk and the writer goes on with.
struct Recovered {
  var nextFile: Int64 = 1
  var nextID: Int64 = 1
  /// The newest landing file, when it can go on.
  var current: LandingFile?
  var learned = LearnedContexts()
  var receipts: ReceiptBook
  var sources: Set<String> = []
  var uids: Set<ReceiptKey> = []
  var imported = ImportedRanges()
  let marks = MarkBook()
  /// Keyed by the store's own key, so that uids are known again after a restart.
  var uidHash: KeyedHash
}

import Logging
import Store
import Telemetry

extension Logger {
  /// A sentence for each thing an operator should hear of.
  func report(_ event: StoreEvent) {
    switch event {
    case .quarantined(let path, let reason, let salvaged, let lost):
      error(
        "set a damaged file aside",
        metadata: ["path": "\(path)", "reason": "\(reason)", "salvaged_rows": "\(salvaged)", "lost_records": "\(lost)"])
    case .settlingFailed(let number, let reason):
      warning("settling failed, trying again", metadata: ["landing": "\(number)", "reason": "\(reason)"])
    case .pruned(let path, let className, let rows, let bytes, let policy):
      info(
        "pruned a file",
        metadata: [
          "path": "\(path)", "class": "\(className)", "rows": "\(rows)", "bytes": "\(bytes)", "policy": "\(policy)",
        ])
    case .fileLost(let path, let rows):
      error("a data file is gone", metadata: ["path": "\(path)", "rows": "\(rows)"])
    case .diskFull(let free, let reserve):
      error(
        "no room: intake answers 503 until there is",
        metadata: ["free_bytes": "\(free)", "reserve_bytes": "\(reserve)"])
    case .capReached(let used, let cap, let quarantine):
      error(
        "no room under retention.max_bytes: intake answers 503 until there is",
        metadata: [
          "used_bytes": "\(used)", "kept_for_settling_bytes": "\(max(0, cap - used))", "max_bytes": "\(cap)",
          "quarantine_bytes": "\(quarantine)",
        ])
    case .rejectsPruned(let path, let bytes, let policy):
      info(
        "removed a day of the reject log",
        metadata: ["path": "\(path)", "bytes": "\(bytes)", "policy": "\(policy)"])
    case .quarantineLarge(let path, let bytes, let cap):
      warning(
        "quarantine/ takes a large part of retention.max_bytes, and data goes for it: remove what nobody needs there",
        metadata: ["path": "\(path)", "bytes": "\(bytes)", "max_bytes": "\(cap)"])
    case .recovered(let landing, let settled, let rows):
      info(
        "store opened", metadata: ["landing_files": "\(landing)", "settled_files": "\(settled)", "last_id": "\(rows)"])
    case .catalogRebuilt(let files):
      warning("files that the catalog did not know were added", metadata: ["files": "\(files)"])
    case .newer(let path):
      warning("a file of a later version was left alone; that version can read it", metadata: ["path": "\(path)"])
    case .putBack(let path):
      error("a database was deleted or exchanged while it was open; it was written anew", metadata: ["path": "\(path)"])
    case .rowsMissing(let first, let last):
      error(
        "rows that were acknowledged are in no file: a landing file or its write-ahead log was deleted or cut short",
        metadata: ["first_id": "\(first)", "last_id": "\(last)"])
    case .clockJumped(let from, let to):
      warning(
        "the clock jumped: nothing is removed by age until it has gone on from there for six hours",
        metadata: ["from": "\(Timestamp.text(from))", "to": "\(Timestamp.text(to))"])
    case .agePaused(let since):
      warning(
        "state.db was damaged or lost: nothing is removed by age until `garner doctor --accept`",
        metadata: ["since": "\(since)"])
    case .stateRestored(let from):
      error("state.db was damaged and came back from its copy", metadata: ["copy": "\(from)"])
    }
  }
}

import Glibc
import Logging
import Telemetry

/// Where a file goes once all that can be stored of it is.
extension DropTaker {
  /// `isKnown`: the content is remembered by what was stored of it before.
  func finish(_ file: DropFile, _ progress: DropProgress, holdsLines: Bool, isKnown: Bool) async -> Outcome {
    var progress = progress
    progress.finishedAt = options.clock()
    let isWhole = progress.isWhole
    progress.state = isWhole ? .done : .rejected
    // Refused lines are cut out, unless something is wrong with the file: then there may be more in it than was read.
    let keepsLines = holdsLines && progress.heldBytes > 0 && !progress.isBroken
    let target = DropFormat.plainName(file.name)
    let name =
      isWhole
      ? folder.freeName(file.name, in: folder.done, hash: file.hex)
      : folder.freeName(
        keepsLines ? target : file.name, in: folder.rejected, hash: file.hex,
        part: keepsLines ? folder.part(file.hex) : nil)
    if !isWhole {
      do {
        try await explain(file, progress, as: name, keepsLines: keepsLines)
      } catch {
        complain("a rejected file cannot be explained", error)
        return .left(file.stamp)
      }
    }
    do throws(DropStopped) {
      var marks = isKnown ? [] : [Mark(key: DropProgress.key(file.hash), value: progress.value)]
      // The file goes, and its number may be another one's tomorrow.
      if (try? await value(of: DropGrowth.key(file.stamp))) ?? nil != nil {
        marks.append(Mark(key: DropGrowth.key(file.stamp), value: nil))
      }
      if !marks.isEmpty { _ = try await append(Batch.refused([], [:], .logs), [], marks) }
    } catch {
      return .stopped
    }
    vitals.count(isWhole ? .done : .rejected)
    vitals.bytes.add(Int(file.stamp.size))
    logger.info(
      isWhole ? "a dropped file is stored" : "a dropped file is rejected, or a part of it",
      metadata: [
        "event": isWhole ? "drop.done" : "drop.rejected", "file": "\(told(file.name))", "sha256": "\(file.hex)",
        "format": "\(progress.format)", "source": "\(progress.source)", "received": "\(progress.received)",
        "stored": "\(progress.stored)", "deduplicated": "\(progress.deduplicated)",
        "rejected": "\(progress.rejected)",
        "reasons": "\(progress.reasons.keys.sorted().joined(separator: ","))",
      ])
    if isWhole {
      folder.forgetReason(of: file.name)
      return leaveFolder(file, to: folder.done, as: name)
    }
    if keepsLines { return dropLines(file, name) }
    unlink(folder.part(file.hex))
    return leaveFolder(file, to: folder.rejected, as: name)
  }

  /// `rejected/NAME.why.json`, and the refused lines under their name. May be done twice.
  private func explain(_ file: DropFile, _ progress: DropProgress, as name: String, keepsLines: Bool) async throws {
    let folder = folder
    try await DropThread.run {
      Result {
        let path = "\(folder.rejected)/\(name)"
        if keepsLines {
          let part = folder.part(file.hex)
          // What was written for a transaction that never came is not refused.
          if truncate(part, off_t(progress.heldBytes)) != 0 { throw DropFolder.Failure("cut", part) }
          if link(part, path) != 0, errno != EEXIST { throw DropFolder.Failure("link", path) }
        }
        try DropFolder.write(
          progress.why(file: file.name, hash: file.hex, holdsLines: keepsLines), to: path + ".why.json")
        DropFolder.sync(folder.rejected)
      }
    }.get()
  }

  func leaveFolder(_ file: DropFile, to target: String, as name: String) -> Outcome {
    switch file.presence {
    case .changed: return .again
    case .replaced: return .finished
    case .same: break
    }
    do throws(DropFolder.Failure) {
      try DropFolder.move(file.path, "\(target)/\(name)")
    } catch {
      logger.warning(
        "a dropped file is taken and cannot be moved away; it stays",
        metadata: ["event": "drop.stays", "file": "\(told(file.name))", "fault": "\(error)"])
      return .left(file.stamp)
    }
    _ = rename(DropFolder.sidecar(file.path), DropFolder.sidecar("\(target)/\(name)"))
    // What belongs to a database goes where it goes, or it could never come back without.
    for suffix in DropFolder.databaseSuffixes { _ = rename(file.path + suffix, "\(target)/\(name)\(suffix)") }
    DropFolder.sync(target)
    DropFolder.sync(folder.incoming)
    return .finished
  }

  /// What is left of the file lies in `rejected`: it goes.
  private func dropLines(_ file: DropFile, _ name: String) -> Outcome {
    let isSame = file.presence
    if isSame == .same, unlink(file.path) != 0 {
      logger.warning(
        "a dropped file is taken and cannot be removed; it stays",
        metadata: ["event": "drop.stays", "file": "\(told(file.name))"])
      return .left(file.stamp)
    }
    if isSame == .same {
      _ = rename(DropFolder.sidecar(file.path), DropFolder.sidecar("\(folder.rejected)/\(name)"))
    }
    unlink(folder.part(file.hex))
    DropFolder.sync(folder.rejected)
    DropFolder.sync(folder.incoming)
    return isSame == .changed ? .again : .finished
  }
}

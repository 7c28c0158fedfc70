/// One thing that happened to an item, or that is known of it; `garner why` shows them in order of time.
package struct LifeEvent: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case trace, session, game, batch, file, record
  }

  package enum Step: String, Sendable {
    case received, rejected, filtered, deduplicated, stored, settled, forwarded, pruned, cleared, erased, lost
  }

  /// As the column `timestamp` is written; nil: nobody wrote it down.
  package var time: String?
  package var kind: Kind
  package var id: String
  package var step: Step
  package var door: String?
  package var source: String?
  /// Records; nil: not known.
  package var count: Int64?
  /// A path below the data directory.
  package var place: String?
  package var detail: String?
  /// Ids of the rows that are stored there, when they are not too many to be followed.
  package var ids: [Int64] = []

  package init(
    _ step: Step, _ item: LifeItem, time: String? = nil, door: String? = nil, source: String? = nil,
    count: Int64? = nil, place: String? = nil, detail: String? = nil
  ) {
    self.time = time
    kind = item.kind
    id = item.id
    self.step = step
    self.door = door
    self.source = source
    self.count = count
    self.place = place
    self.detail = detail
  }
}

/// What is asked for: `game:g00294`; without a kind, all of them are tried.
package struct LifeItem: Sendable, Equatable {
  package var kind: LifeEvent.Kind
  package var id: String

  package init(_ kind: LifeEvent.Kind, _ id: String) {
    self.kind = kind
    self.id = id
  }

  /// Empty: there is nothing behind the colon.
  package static func parse(_ text: String) -> [LifeItem] {
    for kind in LifeEvent.Kind.allCases where text.hasPrefix(kind.rawValue + ":") {
      let id = String(text.dropFirst(kind.rawValue.count + 1))
      return id.isEmpty ? [] : [LifeItem(kind, id)]
    }
    return text.isEmpty ? [] : LifeEvent.Kind.allCases.map { LifeItem($0, text) }
  }
}

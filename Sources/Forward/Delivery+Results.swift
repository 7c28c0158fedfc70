extension Delivery {
  /// Whether another batch may be read.
  enum Room: Equatable {
    case free
    /// There has been none for a while.
    case full
    /// All up to the row is to be passed over.
    case skip(Int64)
    case ended
  }

  /// Whether a request may be sent.
  enum Pass {
    case go(epoch: Int)
    /// The records were passed over.
    case dropped
    case ended
  }

  /// What became of records.
  enum Fate {
    case accepted(refused: Int, reason: String, words: String)
    case refused(reason: String, words: String)
  }
}

package import Store

extension GarnerConfig {
  /// What the store is told of this configuration.
  package var storeOptions: StoreOptions {
    var options = StoreOptions()
    options.classes = retention.classes
    options.landingBytes = store.landingBytes
    options.maxBytes = retention.maxBytes
    options.minAge = retention.minAge.nanoseconds
    options.reserveBytes = retention.reserveBytes
    options.pruneInterval = retention.interval.nanoseconds
    options.receiptWindow = dedup.window.nanoseconds
    options.queueBytes = Int(store.queueBytes)
    options.groupBytes = Int(store.groupBytes)
    options.landingBacklog = store.landingBacklog
    options.compactBelow = store.compactBelow
    return options
  }

  /// `retention.reserve_bytes`, computed as the store does when the operator sets none.
  package var reserveBytes: Int64 { storeOptions.reserve(in: DataDirectory(dataDirectory)) }
}

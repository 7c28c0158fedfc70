import Telemetry

/// Items and levels of one signal of one cut; its parcels share it.
///
/// `@unchecked Sendable`: everything is set by `init` and never written again; the bytes are freed by `deinit` only.
final class OTLPParcelContents: @unchecked Sendable {
  let signal: Signal
  let encoding: OTLPParcelOptions.Encoding
  /// Eight bytes before each item, in JSON before its bracket, are its id at the store that `garner.store` names.
  let hasProvenance: Bool
  let resources: [OTLPParcelLevel]
  let scopes: [OTLPParcelLevel]
  let metrics: [OTLPParcelLevel]
  let bytes: UnsafeRawBufferPointer

  /// Takes ownership of `bytes`.
  init(
    signal: Signal, encoding: OTLPParcelOptions.Encoding, hasProvenance: Bool, resources: [OTLPParcelLevel],
    scopes: [OTLPParcelLevel], metrics: [OTLPParcelLevel], bytes: UnsafeRawBufferPointer
  ) {
    self.signal = signal
    self.encoding = encoding
    self.hasProvenance = hasProvenance
    self.resources = resources
    self.scopes = scopes
    self.metrics = metrics
    self.bytes = bytes
  }

  deinit { bytes.baseAddress?.deallocate() }

  func range(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

  /// Index of the resource that an item is of.
  func resource(of item: ParcelItem) -> Int {
    scopes[signal == .metrics ? metrics[item.group].parent : item.group].parent
  }

  func id(_ item: ParcelItem) -> Int64 {
    let start = encoding == .json ? item.start - 9 : item.start - 8
    return Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int64.self))
  }
}

/// One request of one signal.
final class OTLPParcel: Parcel {
  let items: [ParcelItem]
  let lane: UInt64?
  let byteCount: Int
  private let contents: OTLPParcelContents

  init(_ contents: OTLPParcelContents, _ items: [ParcelItem], lane: UInt64?, share: Int) {
    self.contents = contents
    self.items = items
    self.lane = lane
    byteCount = contents.bytes.count / max(share, 1) + items.count * MemoryLayout<ParcelItem>.stride
  }

  var road: Int { Int(contents.signal.rawValue) }

  func body(_ range: Range<Int>, form: Int) -> [UInt8] {
    let groups = OTLPParcelGroups(contents, items, range)
    return switch contents.encoding {
    case .protobuf: OTLPProtoBody(contents, items, groups).bytes()
    case .json: OTLPJSONBody(contents, items, groups).bytes()
    }
  }
}

import Telemetry

/// Which attributes of a record leave, and which are added to its resource. Without rules everything leaves as it is.
struct OTLPAttributeRules {
  private var filter: AttributeFilter?
  private let serviceNameRequired: Bool
  private let provenance: OTLPParcelOptions.Provenance?
  /// While the attributes of a resource are written: which of them are replaced.
  private var hidesServiceName = false
  private var hidesProvenance = false
  /// Whether `leaves` needs to be asked.
  private(set) var isActive = false

  /// Everything leaves.
  init() {
    serviceNameRequired = false
    provenance = nil
  }

  init(_ options: OTLPParcelOptions) {
    filter = options.attributes.letsAllThrough ? nil : options.attributes
    serviceNameRequired = options.serviceNameRequired
    provenance = options.provenance
    isActive = filter != nil
  }

  /// `key` is plain text.
  func leaves(_ key: UnsafeRawBufferPointer) -> Bool {
    if hidesServiceName && key.spells("service.name") { return false }
    if hidesProvenance && Self.isProvenance(key) { return false }
    return filter?.allows(key) ?? true
  }

  func leaves(_ key: StaticString) -> Bool {
    leaves(UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
  }

  /// `key` is as stored: escaped as in JSON, with a second `$` when it begins with one.
  func leaves(stored key: UnsafeRawBufferPointer) -> Bool {
    guard let base = key.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return leaves(key) }
    let doubled = key.first == UInt8(ascii: "$") ? 1 : 0
    guard key.contains(UInt8(ascii: "\\")) else { return leaves(UnsafeRawBufferPointer(rebasing: key[doubled...])) }
    // Up to its closing quote, which is behind it.
    var cursor = JSONCursor(at: base + doubled, end: base + key.count + 1)
    var plain = Arena(capacity: key.count)
    do throws(JSONFault) { try cursor.text(into: &plain) } catch { return false }
    return leaves(plain.bytes(0, plain.count))
  }

  /// Whether an entity may go with its resource: one without all of its identifying attributes would be another.
  func leaves(entity json: UnsafeRawBufferPointer) throws(JSONFault) -> Bool {
    guard isActive, var entity = StoredObject(json) else { return true }
    while let name = try entity.next() {
      guard name.spells("id_keys") || name.spells("description_keys") else {
        _ = try entity.cursor.storedValue()
        continue
      }
      var keys = StoredArray(entity.cursor)
      while try keys.next() {
        let quoted = try keys.cursor.storedString()
        // Attribute keys have their `$` doubled, these have not.
        if try !leaves(text: quoted) { return false }
      }
      entity.cursor = keys.cursor
    }
    return true
  }

  private func leaves(text quoted: UnsafeRawBufferPointer) throws(JSONFault) -> Bool {
    guard var cursor = JSONCursor(quoted) else { return true }
    var plain = Arena(capacity: quoted.count)
    cursor.at += 1
    try cursor.text(into: &plain)
    return leaves(plain.bytes(0, plain.count))
  }

  // MARK: resources

  /// Between these two, `leaves` is about the attributes of a resource, `json`.
  mutating func beginResource(_ json: UnsafeRawBufferPointer) throws(JSONFault) {
    endResource()
    if serviceNameRequired { hidesServiceName = try !hasServiceName(json) }
    hidesProvenance = provenance != nil
    isActive = isActive || hidesServiceName || hidesProvenance
  }

  mutating func endResource() {
    hidesServiceName = false
    hidesProvenance = false
    isActive = filter != nil
  }

  private func hasServiceName(_ json: UnsafeRawBufferPointer) throws(JSONFault) -> Bool {
    guard leaves("service.name"), var object = StoredObject(json) else { return false }
    while let key = try object.next() {
      let value = try object.cursor.storedValue()
      if key.spells("service.name") { return value.first == UInt8(ascii: "\"") && value.count > 2 }
    }
    return false
  }

  /// What the resource gets besides its own attributes, but for `garner.ids`.
  var isServiceUnknown: Bool { hidesServiceName }

  private static func isProvenance(_ key: UnsafeRawBufferPointer) -> Bool {
    switch key.count {
    case 10: key.spells("garner.ids")
    case 12: key.spells("garner.store")
    case 13: key.spells("garner.source")
    case 16: key.spells("garner.protected")
    default: false
    }
  }
}

/// A text attribute that the rows do not have.
struct OTLPAddedAttribute {
  var key: StaticString
  var text: UnsafeRawBufferPointer

  static var unknownService: OTLPAddedAttribute {
    let name: StaticString = "unknown_service"
    return OTLPAddedAttribute(
      key: "service.name", text: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }
}

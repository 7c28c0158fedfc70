/// Why a text is no value of the wanted kind: one clause without the name of what was read, `300x is no duration; …`.
package struct ValueFault: Error, Sendable, Equatable {
  package var message: String

  package init(_ message: String) { self.message = message }
}

package import Wire

/// A destination as it is configured: how it is spoken to, and what records become on the way.
package struct Destination: Sendable {
  package var options: DestinationOptions
  /// A courier a run: a replay has connections of its own.
  package var courier: @Sendable (RunState) throws -> any Courier
  package var builder: @Sendable () -> any ParcelBuilder

  package init(
    _ options: DestinationOptions, courier: @escaping @Sendable (RunState) throws -> any Courier,
    builder: @escaping @Sendable () -> any ParcelBuilder
  ) {
    self.options = options
    self.courier = courier
    self.builder = builder
  }
}

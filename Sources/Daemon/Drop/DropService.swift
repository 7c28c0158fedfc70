import Intake
import Logging
import ServiceLifecycle
import Store

/// The drop folder as one of the daemon's services.
struct DropService: Service {
  let door: DropDoor<DropStorage, RejectLog>

  /// Makes the folders; throws when that fails.
  init(store: DataStore, rejects: RejectLog, protector: Protector, config: GarnerConfig, logger: Logger) throws {
    var options = DropOptions(clock: { FileSystem.now() })
    options.settle = config.drop.settle.wholeNanoseconds
    options.scan = config.drop.scan.wholeNanoseconds
    options.keepDone = config.drop.keepDone.wholeNanoseconds
    options.keepRejected = config.drop.keepRejected.wholeNanoseconds
    options.keepBytes = config.drop.keepBytes
    options.protector = protector
    options.depthLimit = config.limits.jsonDepth
    door = try DropDoor(
      folder: store.directory.drop, store: DropStorage(store: store),
      rejects: rejects, options: options, logger: logger)
  }

  func run() async throws {
    // Cancelled when another service fails, e.g. a door whose port is taken.
    await withTaskCancellationOrGracefulShutdownHandler {
      await door.run()
    } onCancelOrGracefulShutdown: {
      door.stop()
    }
  }
}

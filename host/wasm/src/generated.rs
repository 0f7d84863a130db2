//! What wasmtime makes of the contract in `wit/`. The world with all exports is generated; the
//! host looks at what a component really exports, interface by interface.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "full",
    imports: {
        // Waits until the half message is durable.
        "wasmill:plugin/transaction.prepare": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    // Parameters of exports borrow, so that a message's body is copied once: into the guest.
    ownership: Borrowing { duplicate_if_necessary: true },
});

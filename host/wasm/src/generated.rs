//! What wasmtime makes of the contract in `wit/`, and of the proposals in this crate's own `wit/`.
//! The world with all exports is generated; the host looks at what a component really exports,
//! interface by interface.

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

/// The proposals.
pub(crate) mod drafts {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "drafts",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "wasi:keyvalue/store.bucket": crate::imports::wasi::Bucket,
            "wasi:messaging/types.client": crate::imports::wasi::Client,
            "wasi:messaging/types.message": crate::imports::wasi::Message,
            "wasi:messaging/request-reply.request-options": crate::imports::wasi::RequestOptions,
        },
    });
}

//! The layers of the architecture as a table: which crate may use which, and what it never names.

/// A row of the table.
pub(super) struct Layer {
    /// A crate, or all that begin so, with `*`.
    pub(super) name: &'static str,
    /// Crates of the workspace that it may use.
    pub(super) may_use: &'static [&'static str],
    /// Paths that it never names: other crates, or parts of std.
    pub(super) never: &'static [&'static str],
}

/// What has no place where time, randomness and the outside world come in as arguments.
const PURE: &[&str] = &[
    "axum",
    "getrandom",
    "hyper",
    "notify",
    "rand",
    "sled",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "wasmtime",
];

/// What does its own input and output, or needs a runtime.
const IO: &[&str] = &[
    "axum",
    "hyper",
    "notify",
    "sled",
    "std::fs",
    "std::process",
    "tokio",
    "wasmtime",
];

/// What a plugin, which runs inside the sandbox, has no use for.
const SANDBOXED: &[&str] = &[
    "std::net",
    "std::process",
    "std::thread",
    "tokio",
    "wasmtime",
];

/// From the bottom to the top.
pub(super) const LAYERS: &[Layer] = &[
    // Both the host and the plugins read with it.
    Layer {
        name: "wasmill-json",
        may_use: &[],
        never: PURE,
    },
    Layer {
        name: "wasmill-model",
        may_use: &[],
        never: PURE,
    },
    Layer {
        name: "wasmill-component",
        may_use: &["wasmill-json"],
        never: PURE,
    },
    Layer {
        name: "wasmill-engine",
        may_use: &["wasmill-model"],
        never: PURE,
    },
    Layer {
        name: "wasmill-port",
        may_use: &["wasmill-model"],
        never: PURE,
    },
    Layer {
        name: "wasmill-routes",
        may_use: &["wasmill-model"],
        never: IO,
    },
    // It runs compilers, and nothing of a host.
    Layer {
        name: "wasmill-toolchain",
        may_use: &["wasmill-component", "wasmill-routes"],
        never: &["axum", "hyper", "sled", "tokio", "wasmtime"],
    },
    Layer {
        name: "wasmill-store",
        may_use: &["wasmill-model", "wasmill-port"],
        never: &["axum", "wasmtime"],
    },
    Layer {
        name: "wasmill-wasm",
        may_use: &["wasmill-component", "wasmill-model", "wasmill-port"],
        never: &["axum", "sled"],
    },
    Layer {
        name: "wasmill-service",
        may_use: &["wasmill-engine", "wasmill-model", "wasmill-port"],
        never: &["axum", "sled", "wasmtime"],
    },
    // A host that serves one plugin's author: the parts of a real one, without its threads.
    Layer {
        name: "wasmill-trial",
        may_use: &[
            "wasmill-engine",
            "wasmill-model",
            "wasmill-port",
            "wasmill-service",
            "wasmill-store",
            "wasmill-wasm",
        ],
        never: &["axum", "hyper", "sled", "wasmtime"],
    },
    Layer {
        name: "wasmill-api",
        may_use: &[
            "wasmill-json",
            "wasmill-model",
            "wasmill-port",
            "wasmill-service",
        ],
        never: &["sled", "wasmtime"],
    },
    Layer {
        name: "wasmill",
        may_use: &["wasmill-*"],
        never: &["axum", "sled", "wasmtime"],
    },
    // It leaves this workspace, so it cannot use anything of it.
    Layer {
        name: "wasmill-sdk",
        may_use: &[],
        never: SANDBOXED,
    },
    Layer {
        name: "wasmill-plugin-kit",
        may_use: &["wasmill-sdk"],
        never: SANDBOXED,
    },
    Layer {
        name: "wasmill-plugin-*",
        may_use: &["wasmill-plugin-kit", "wasmill-sdk"],
        never: SANDBOXED,
    },
    Layer {
        name: "wasmill-test-guests",
        may_use: &[],
        never: &[],
    },
    // Inputs for tests, which know what they are given to.
    Layer {
        name: "wasmill-fuzz",
        may_use: &[],
        never: &["axum", "sled", "tokio", "wasmtime"],
    },
    // The world around the engine, scripted; the store's twin in memory stands for the disk.
    Layer {
        name: "wasmill-sim",
        may_use: &[
            "wasmill-engine",
            "wasmill-model",
            "wasmill-port",
            "wasmill-service",
            "wasmill-store",
        ],
        never: &["axum", "sled", "tokio", "wasmtime"],
    },
    // It measures parts of the host, and wasmtime itself as the floor.
    Layer {
        name: "wasmill-bench",
        may_use: &["wasmill-*"],
        never: &["axum", "sled"],
    },
    // They know the host as its users do: as a process, over HTTP.
    Layer {
        name: "wasmill-tests",
        may_use: &["wasmill-test-guests"],
        never: &["sled", "wasmtime"],
    },
    Layer {
        name: "xtask",
        may_use: &["wasmill-component", "wasmill-tests"],
        never: &["sled", "wasmtime"],
    },
];

//! What wit-bindgen makes of the contract in `wit/`: the imports once, and each world's exports
//! over the same types. Re-exported by hand; nothing else in the plugins is generated.

#![expect(missing_docs, reason = "documented in wit/, and private but for what is re-exported")]

pub mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "imports", generate_all });
}

pub mod step {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "step",
        with: {
            "wasmill:plugin/types@0.1.0": super::imports::wasmill::plugin::types,
            "wasmill:plugin/queue@0.1.0": super::imports::wasmill::plugin::queue,
            "wasmill:plugin/timer@0.1.0": super::imports::wasmill::plugin::timer,
            "wasmill:plugin/dedup@0.1.0": super::imports::wasmill::plugin::dedup,
            "wasmill:plugin/state@0.1.0": super::imports::wasmill::plugin::state,
            "wasmill:plugin/config@0.1.0": super::imports::wasmill::plugin::config,
            "wasmill:plugin/log@0.1.0": super::imports::wasmill::plugin::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_step",
        default_bindings_module: "wasmill_plugin_kit::generated::step",
    });
}

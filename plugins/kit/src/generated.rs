//! What wit-bindgen makes of the host's interfaces in `wit/`. The exports of a plugin's world are
//! generated in the plugin itself, over these same types, by the macros in `component`.

#![expect(
    missing_docs,
    reason = "documented in wit/; what plugins use is re-exported by hand"
)]

wit_bindgen::generate!({ path: "../../wit", world: "imports", generate_all });

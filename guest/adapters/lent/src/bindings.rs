//! What the WIT becomes in Rust. Generated, so nothing else may live here.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit", "../wit"],
    world: "shift-access:adapters/lent",
    generate_all,
    additional_derives: [PartialEq, Clone],
});

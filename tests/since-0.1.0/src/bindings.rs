//! What the contract of 0.1.0 becomes in Rust. Generated, so nothing else may live here.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated code")]

wit_bindgen::generate!({ path: "../../wit/since-0.1.0", world: "plugin" });

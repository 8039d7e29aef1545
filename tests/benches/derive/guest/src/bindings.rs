//! What the WIT becomes in Rust. Generated, so nothing else may live here.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated code")]

wit_bindgen::generate!({ inline: "package bench:derive; world bench { export derive: func(times: u32) -> u32; }" });

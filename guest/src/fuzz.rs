//! The readers of foreign JSON, one function each: it reads bytes as the client does and lets go of the result.
//!
//! The pack is a component and no library, so nothing can depend on it. A package that fuzzes has a library of its own whose
//! path is this package's `src/lib.rs`, in a directory beside `wit/`, with the same dependencies and with the feature `fuzz`.

pub use crate::kronos::readers::{everybody, on_premise, people, timecards, zones};

/// An event.
pub fn event(body: &[u8]) {
    let _ = crate::listener::event::read(body);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_reader_takes_any_bytes() {
        for read in [super::people, super::timecards, super::on_premise, super::zones, super::everybody, super::event] {
            for body in [b"".as_slice(), b"\xff", b"{}", b"[]", b"[{}]", b"{\"data\":{}}", b"{\"details\":{\"results\":[{}]}}"] {
                read(body);
            }
        }
    }
}

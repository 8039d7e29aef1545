// What nothing else has, shared by the adapters (as `mod unique`).

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number at random, of the host's making.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Sixteen letters that nothing else has.
pub fn unique() -> String {
    format!("{:016x}", random())
}

//! Why a run, or one link of it, failed: a number of the catalogue and the words around it.

/// What went wrong, told so that an operator can act on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// The number in the catalogue of design §8, such as 10 for "Kronos unreachable".
    pub number: u8,
    /// What happened, with the other side's own words and its request id where it gave one.
    pub message: String,
    /// How many seconds the other side asked to wait, where it did.
    pub wait: Option<u32>,
}

impl Trouble {
    /// A trouble with this number and these words.
    pub fn new(number: u8, message: impl Into<String>) -> Self {
        Self { number, message: message.into(), wait: None }
    }
}

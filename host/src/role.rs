//! What somebody may do in the console.

use serde::{Deserialize, Serialize};

/// What somebody may do in the console. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// To look at everything and explain it: the help desk.
    Viewer,
    /// To run jobs and replay events as well.
    Operator,
    /// To set up tenants and people as well.
    Administrator,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// What it may do, in a few words.
    pub(crate) fn may(self) -> &'static str {
        match self {
            Self::Viewer => "looks and explains",
            Self::Operator => "also runs jobs and replays events",
            Self::Administrator => "also sets up tenants and people",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

//! Why a component was not loaded, and why a call of one brought no answer.

use super::fit::Misfit;
use crate::grant::Ungranted;
use crate::history::Failure;
use crate::limits::Exceeded;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file was not read.
    #[error("the component {0} cannot be read: {1}")]
    Read(String, std::io::Error),
    /// It is not a component, or a broken one.
    #[error("this is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The system did not give the memory to start it from.
    #[error("the component cannot be made ready: {0}")]
    NotReady(String),
    /// It imports what the host does not lend, or lacks an export.
    #[error("the component does not fit this host: it {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; it "))]
    DoesNotFit(Vec<Misfit>),
}

impl LoadError {
    /// Each thing that is wrong, in words of its own.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::DoesNotFit(misfits) => misfits.iter().map(|misfit| format!("the component {misfit}")).collect(),
            other => vec![other.to_string()],
        }
    }
}

/// Why a call brought no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The plugin trapped.
    #[error("the plugin failed: {0}")]
    Trap(String),
    /// It did not end in time.
    #[error("the plugin {0}")]
    Time(Exceeded),
    /// It kept a processor busy for too long.
    #[error("the plugin {0}")]
    Cpu(Exceeded),
    /// It wanted more memory or tables than it may have.
    #[error("the plugin {0}")]
    Memory(Exceeded),
    /// It handed over, asked for or held more than it may.
    #[error("the plugin {0}")]
    Data(Exceeded),
    /// It was not called: it would have what is not granted.
    #[error("the plugin was not called: {0}; grant the tenant what it needs, or give it another component")]
    Ungranted(Ungranted),
    /// It answered a failure.
    #[error("{}: {} {}", .0.code, .0.message, .0.remedy)]
    Failure(Box<Failure>),
}

/// An error with all that led to it.
pub(super) fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The chain on one line of a bearable length: of a file that is no component, the library shows the bytes.
pub(super) fn brief(error: &wasmtime::Error) -> String {
    const LONGEST: usize = 200;
    let whole = chain(error);
    let line = whole.lines().next().unwrap_or_default();
    let text: String = line.chars().take(LONGEST).collect();
    if text.len() == whole.trim_end().len() { text } else { format!("{}…", text.trim_end()) }
}

//! Whether a file is a component, and whether the component fits this host: what it imports is lent here, and what it
//! exports is what is called.
//!
//! Everything that does not fit is found at once, before anything of the component runs. Who reads it wrote or chose the
//! component: so it is told what was found, and what the host has instead.

use std::fmt;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker};

use super::bindings::exports::shift_access::plugin as exports;
use super::error::brief;
use crate::capability::{self, CONTRACT, PACKAGE, State, VERSION, WASI, WASI_VERSION};
use crate::engine::Engine;

/// The interfaces that a host calls.
const EXPORTS: [&str; 5] = ["pack", "jobs", "listener", "access", "roster"];

/// One thing about a component that does not fit this host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// It imports an interface in a version that is not lent.
    ImportVersion {
        /// The import, with the version it was built for.
        import: String,
        /// What is lent under this name.
        offered: String,
    },
    /// It imports what no plugin gets.
    NotOffered {
        /// The import.
        import: String,
    },
    /// It imports an interface with other functions or types than it has.
    ImportType {
        /// The import.
        import: String,
        /// What differs.
        detail: String,
    },
    /// It lacks an interface that is called.
    Missing {
        /// The interface.
        export: String,
        /// The same in another version, where it has that.
        found: Option<String>,
    },
    /// An interface that is called has other functions or types.
    ExportType {
        /// The interface.
        export: String,
        /// The function.
        function: String,
        /// What differs.
        detail: String,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImportVersion { import, offered } => {
                write!(f, "imports {import}; this host offers {offered}")?;
                match import.split_once('@') {
                    Some((_, version)) => write!(f, ": the component was built for version {version}"),
                    None => write!(f, ": the component was built for no version"),
                }
            }
            Self::NotOffered { import } => {
                let (package, own) = (PACKAGE.trim_end_matches('/'), CONTRACT.join(", "));
                write!(f, "imports {import}, which no plugin gets; offered are: of {package}@{VERSION} {own}; of wasi@{WASI_VERSION} ")?;
                // The five for terminals are one to a reader.
                let wasi = WASI.into_iter().filter(|name| !name.starts_with("cli/terminal-"));
                f.write_str(&wasi.chain(["cli/terminal-*"]).collect::<Vec<_>>().join(", "))
            }
            Self::ImportType { import, detail } => write!(f, "has an import {import} that is not the one this host offers: {detail}"),
            Self::Missing { export, found: None } => write!(f, "does not export {export}, which this host calls"),
            Self::Missing { export, found: Some(found) } => write!(f, "exports {found}; this host calls {export}"),
            Self::ExportType { export, function, detail } => {
                write!(f, "exports {export} with another `{function}` than this host calls: {detail}")
            }
        }
    }
}

/// What a file is that is no component, in words.
pub(super) fn foreign(bytes: &[u8]) -> Option<String> {
    const CORE: &[u8] = &[1, 0, 0, 0];
    const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
    let text = bytes.trim_ascii_start();
    Some(match bytes.split_at_checked(4) {
        None if bytes.is_empty() => "the file is empty".to_owned(),
        Some((b"\0asm", version)) => match version.get(..4) {
            Some(COMPONENT) => return None,
            Some(CORE) => "it is a core module, not a component; build it for the target wasm32-wasip2, or wrap it with \
                 `wasm-tools component new`"
                .to_owned(),
            Some(other) => format!("it is of an unknown version of the format ({})", hex(other)),
            None => format!("the file is cut off after {} bytes", bytes.len()),
        },
        Some((b"\x7fELF", _)) => "it is machine code, such as a precompiled component; give the component itself".to_owned(),
        _ if text.starts_with(b"(component") || text.starts_with(b"(module") => {
            "it is WebAssembly as text; translate it with `wasm-tools parse`".to_owned()
        }
        _ => format!("it begins with {}, and a WebAssembly file with 00 61 73 6d", hex(bytes.get(..4).unwrap_or(bytes))),
    })
}

/// What is wrong with a file that begins as a component.
pub(super) fn broken(bytes: &[u8], error: &wasmtime::Error) -> String {
    let said = brief(error);
    // A section that ends behind the file, or anything else that does.
    match said.contains("out of bounds (bound") || said.contains("unexpected end") {
        true => format!("the file is cut off after {} bytes", bytes.len()),
        false => said,
    }
}

/// The component, ready to be instantiated; else everything that does not fit.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<InstancePre<State>, Vec<Misfit>> {
    let mut misfits = foreign_imports(engine, component);
    let linked = capability::linker(engine.inner()).and_then(|linker| linker.instantiate_pre(component));
    let known = match &linked {
        Ok(pre) => Some(pre.clone()),
        Err(error) => {
            misfits.extend(unlike_imports(engine, component));
            if misfits.is_empty() {
                misfits.push(Misfit::of_linker(error));
            }
            stubbed(component, Linker::new(engine.inner())).ok()
        }
    };
    let component_type = component.component_type();
    let exported: Vec<&str> = component_type.exports(engine.inner()).map(|(name, _)| name).collect();
    misfits.extend(EXPORTS.iter().filter_map(|interface| missing(component, &exported, interface)));
    misfits.extend(known.iter().flat_map(unlike_exports));
    match linked {
        Ok(pre) if misfits.is_empty() => Ok(pre),
        _ => Err(misfits),
    }
}

/// Imports that are not lent, going by their names.
fn foreign_imports(engine: &Engine, component: &Component) -> Vec<Misfit> {
    let ty = component.component_type();
    let imports = ty.imports(engine.inner()).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    imports.filter_map(|(name, item)| foreign_import(name, matches!(item.ty, ComponentItem::ComponentInstance(_)))).collect()
}

fn foreign_import(import: &str, is_interface: bool) -> Option<Misfit> {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let contract = name.strip_prefix(PACKAGE).filter(|name| CONTRACT.contains(name)).map(|_| VERSION);
    let wasi = name.strip_prefix("wasi:").filter(|name| WASI.contains(name)).map(|_| WASI_VERSION);
    match contract.or(wasi).filter(|_| is_interface) {
        None => Some(Misfit::NotOffered { import: import.to_owned() }),
        Some(offered) if track(version) == track(offered) => None,
        Some(offered) => Some(Misfit::ImportVersion { import: import.to_owned(), offered: format!("{name}@{offered}") }),
    }
}

/// What versions that stand in for each other have in common: of `0.1.3` it is `0.1`, of `2.4.0` it is `2`.
fn track(version: &str) -> Option<&str> {
    let mut dots = version.match_indices('.').map(|(at, _)| at);
    let first = dots.next()?;
    let end = if version.starts_with("0.") { dots.next()? } else { first };
    version.get(..end).filter(|_| !version.contains(['-', '+']))
}

/// Interfaces of the contract that are imported as something else than they are. Each is tried alone, with whatever else the
/// component wants made up.
fn unlike_imports(engine: &Engine, component: &Component) -> Vec<Misfit> {
    let unlike = |interface: &&str| {
        let mut linker = Linker::new(engine.inner());
        capability::lend(&mut linker, interface).ok()?;
        match lacking(component, &mut linker, interface) {
            Some(item) => Some(Misfit::ImportType { import: called(interface), detail: format!("it has no `{item}`") }),
            None => stubbed(component, linker).err().map(|error| Misfit::of_linker(&error)),
        }
    };
    CONTRACT.iter().filter_map(unlike).collect()
}

/// An item of an imported interface that the linked one does not have.
fn lacking(component: &Component, linker: &mut Linker<State>, interface: &str) -> Option<String> {
    let (engine, import) = (component.engine(), called(interface));
    let ComponentItem::ComponentInstance(wanted) = component.component_type().get_import(engine, &import)?.ty else { return None };
    let mut linked = linker.instance(&import).ok()?;
    let mut items = wanted.exports(engine).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    // What is there cannot be defined again; the linker tells in no other way.
    items.find(|(name, _)| linked.func_wrap(name, |_, (): ()| Ok(())).is_ok()).map(|(name, _)| name.to_owned())
}

/// The component with all that is not linked made up. It is never run.
fn stubbed(component: &Component, mut linker: Linker<State>) -> wasmtime::Result<InstancePre<State>> {
    linker.define_unknown_imports_as_traps(component)?;
    linker.instantiate_pre(component)
}

/// An interface that is called and is not there.
fn missing(component: &Component, exported: &[&str], interface: &str) -> Option<Misfit> {
    let export = called(interface);
    if component.get_export_index(None, &*export).is_some() {
        return None;
    }
    let found = exported.iter().find(|name| name.strip_prefix(PACKAGE).is_some_and(|rest| rest.split('@').next() == Some(interface)));
    Some(Misfit::Missing { found: found.map(|name| (*name).to_owned()), export })
}

fn called(interface: &str) -> String {
    format!("{PACKAGE}{interface}@{VERSION}")
}

/// Checks functions against the types that they are called with here.
macro_rules! unlike {
    ($pre:expr, $($interface:literal $function:literal ($($parameter:ty),*) -> $answer:ty;)*) => {{
        let types = $pre.instance_type();
        let mut misfits = Vec::new();
        $(
            let checked = exported($pre, $interface, $function, |function| function.typecheck::<($($parameter,)*), ($answer,)>(&types));
            misfits.extend(checked.err());
        )*
        misfits
    }};
}

/// Functions of the interfaces that are there which are missing in them, or are something else. The list is the contract's
/// exports; that it is right shows in the built-in pack, which passes.
fn unlike_exports(pre: &InstancePre<State>) -> Vec<Misfit> {
    use super::bindings::shift_access::plugin::properties::Property;
    use exports::access::{Comparisons, Decision, Explanation, Question};
    use exports::jobs::{Count, Failure, Job, Report};
    use exports::listener::{Disposition, Event};
    use exports::pack::{Description, Problem};
    use exports::roster::{ChangeListing, Entry, IdentityListing, Listing};

    unlike!(pre,
        "pack" "describe" () -> Description;
        "pack" "check" (Vec<Property>) -> Vec<Problem>;
        "jobs" "run" (Job) -> Result<Report, Failure>;
        "listener" "handle" (Vec<Event>) -> Vec<Disposition>;
        "listener" "look-up" (String) -> Result<Entry, Failure>;
        "access" "decide" (Vec<Question>) -> Result<Vec<Decision>, Failure>;
        "access" "explain" (Question) -> Result<Explanation, Failure>;
        "access" "what-if" (Vec<Property>, Option<String>, u32) -> Result<Comparisons, Failure>;
        "roster" "page" (Option<String>, Option<String>, u32) -> Result<Listing, Failure>;
        "roster" "search" (String, Option<String>, Option<String>, u32) -> Result<Listing, Failure>;
        "roster" "find" (String) -> Result<Option<Entry>, Failure>;
        "roster" "counts" () -> Result<Vec<Count>, Failure>;
        "roster" "identities" (Option<String>, u32) -> Result<IdentityListing, Failure>;
        "roster" "changes" (u64, u32) -> Result<ChangeListing, Failure>;
    )
}

/// Checks one function of an interface, where the interface is there.
fn exported(
    pre: &InstancePre<State>,
    interface: &str,
    function: &str,
    check: impl FnOnce(&ComponentFunc) -> wasmtime::Result<()>,
) -> Result<(), Misfit> {
    let export = called(interface);
    let unlike = |detail: String| Misfit::ExportType { export: export.clone(), function: function.to_owned(), detail };
    let component = pre.component();
    let Some(instance) = component.get_export_index(None, &*export) else { return Ok(()) };
    match component.get_export(Some(&instance), function) {
        Some((ComponentItem::ComponentFunc(found), _)) => check(&found).map_err(|error| unlike(brief(&error))),
        Some(_) => Err(unlike("it is no function".to_owned())),
        None => Err(unlike("it is missing".to_owned())),
    }
}

impl Misfit {
    /// The first thing that the linker did not like. It names the import in backticks, and what it is about after that.
    fn of_linker(error: &wasmtime::Error) -> Self {
        let import = error.to_string().split('`').nth(1).unwrap_or("of WASI").to_owned();
        let detail = error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self::ImportType { import, detail: if detail.is_empty() { brief(error) } else { detail } }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

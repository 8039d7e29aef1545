//! What stands between a component and a platform's published worlds.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use semver::Version;
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId};

/// What is imported and exported, by name.
pub struct Names {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Names {
    /// Those of a component.
    ///
    /// # Errors
    /// Bytes that are no component.
    pub fn of(component: &[u8]) -> Result<Self> {
        match wit_component::decode(component)? {
            DecodedWasm::Component(resolve, world) => Ok(Self::of_world(&resolve, world)),
            DecodedWasm::WitPackage(..) => bail!("it is a package of WIT and no component"),
        }
    }

    fn of_world(resolve: &Resolve, world: WorldId) -> Self {
        let world = &resolve.worlds[world];
        let names = |keys: Vec<_>| keys.into_iter().map(|key| resolve.name_world_key(key)).collect();
        Self { imports: names(world.imports.keys().collect()), exports: names(world.exports.keys().collect()) }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.imports.iter().try_for_each(|name| writeln!(f, "import {name}"))?;
        let exports: Vec<_> = self.exports.iter().map(|name| format!("export {name}")).collect();
        f.write_str(&exports.join("\n"))
    }
}

/// What a platform has, held against a component: all that is missing, and what is there in another version.
///
/// `folders` hold its WIT, a `+` between them. Behind a `#` stands the name of a world; without one the platform offers what any
/// world of the folders imports.
pub fn told(name: &str, component: &[u8], folders: &str) -> Result<String> {
    let wanted = Names::of(component)?;
    let (mut offered, mut asked, mut verdict) = (BTreeSet::new(), BTreeSet::new(), None);
    for folder in folders.split('+') {
        let (folder, world) = folder.split_once('#').map_or((folder, None), |(folder, world)| (folder, Some(world)));
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        let (main, _) = resolve.push_path(Path::new(folder))?;
        let worlds: Vec<WorldId> = match world {
            Some(world) => vec![*resolve.packages[main].worlds.get(world).with_context(|| format!("there is no world {world}"))?],
            None => resolve.worlds.iter().map(|(id, _)| id).collect(),
        };
        for id in worlds {
            let names = Names::of_world(&resolve, id);
            offered.extend(names.imports);
            // Of many worlds each asks for something else; a handler of HTTP is what is served.
            asked.extend(names.exports.into_iter().filter(|name| world.is_some() || name.contains("http/") && name.contains("handler")));
            verdict = world.map(|_| wit_component::targets(&resolve, id, component).is_ok()).or(verdict);
        }
    }
    let mut text = format!("{name}\n");
    for import in wanted.imports.iter().filter(|import| !offered.iter().any(|other| serves(other, import))) {
        writeln!(text, "  lacks  {import}{}", instead(import, &offered))?;
    }
    // One handler is enough.
    if !asked.iter().any(|export| wanted.exports.iter().any(|other| serves(other, export))) {
        let exported = wanted.exports.iter().cloned().collect();
        asked.iter().try_for_each(|export| writeln!(text, "  wants  {export}{}", instead(export, &exported)))?;
    }
    if text.lines().count() == 1 {
        writeln!(text, "  nothing stands between, by name")?;
    }
    if let Some(fits) = verdict {
        writeln!(text, "  wasm-tools component targets: {}", if fits { "yes" } else { "no" })?;
    }
    Ok(text)
}

/// Whether what is called so serves for what is asked for: the same, or another version on the same track. What is before its
/// release matches itself alone.
fn serves(offered: &str, asked: &str) -> bool {
    let (Some((name, version)), Some((other, wanted))) = (split(offered), split(asked)) else { return offered == asked };
    let track = |version: &Version| if version.major > 0 { (version.major, 0) } else { (0, version.minor) };
    let released = version.pre.is_empty() && wanted.pre.is_empty();
    name == other && (version == wanted || released && track(&version) == track(&wanted))
}

fn split(name: &str) -> Option<(&str, Version)> {
    let (name, version) = name.rsplit_once('@')?;
    Some((name, Version::parse(version).ok()?))
}

/// The same in other versions.
fn instead(name: &str, there: &BTreeSet<String>) -> String {
    let bare = name.split('@').next().unwrap_or(name);
    let versions: Vec<_> = there.iter().filter_map(|other| other.strip_prefix(bare)?.strip_prefix('@')).collect();
    if versions.is_empty() { String::new() } else { format!(" (there is {})", versions.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_serves_for_another_on_its_track_unless_it_is_before_its_release() {
        assert!(serves("wasi:io/poll@0.2.0", "wasi:io/poll@0.2.6"));
        assert!(!serves("wasi:io/poll@0.3.0", "wasi:io/poll@0.2.6"));
        assert!(serves("a:b/c@1.2.0", "a:b/c@1.0.0"));
        assert!(!serves("wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/store@0.2.0-draft"));
        assert!(serves("wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/store@0.2.0-draft"));
        assert!(!serves("wasi:io/poll@0.2.0", "wasi:io/streams@0.2.0"));
    }
}

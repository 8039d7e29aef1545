//! Which of the five capabilities a tenant's plugin may have. Two keys must turn: the component imports an interface, and the
//! tenant is granted it. What is imported and not granted keeps a configured tenant from starting; of a tenant that was made in
//! code no call begins.

use std::collections::BTreeSet;

use crate::capability::{CONTRACT, PACKAGE};

/// The capabilities that are granted, by the names of their interfaces; all of them unless less is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants(BTreeSet<&'static str>);

impl Default for Grants {
    fn default() -> Self {
        Self(CONTRACT.into())
    }
}

/// A pack imports what is not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the component imports {}, which {} not granted", .imports.join(" and "), if .imports.len() == 1 { "is" } else { "are" })]
pub struct Ungranted {
    /// The imports, as the component names them.
    pub imports: Vec<String>,
    /// What would have to be granted for the component to start.
    pub wanted: Grants,
}

impl Grants {
    /// Nothing at all: for a component that only computes.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// With this one too; `None` for a name that is no capability's.
    pub fn with(mut self, name: &str) -> Option<Self> {
        self.0.insert(CONTRACT.iter().find(|known| **known == name)?);
        Some(self)
    }

    /// The names of all there are.
    pub fn known() -> &'static [&'static str] {
        &CONTRACT
    }

    /// The names of those granted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        CONTRACT.into_iter().filter(|name| self.0.contains(name))
    }

    /// Checks the imports of a component.
    ///
    /// # Errors
    /// When one of them is a capability that is not granted.
    pub fn cover(&self, imports: &[String]) -> Result<(), Ungranted> {
        if self.0.len() == CONTRACT.len() {
            return Ok(());
        }
        let capability = |import: &str| {
            let name = import.strip_prefix(PACKAGE)?.split('@').next()?;
            CONTRACT.into_iter().find(|known| *known == name)
        };
        let missing = imports.iter().filter_map(|import| Some((import, capability(import)?))).filter(|(_, name)| !self.0.contains(name));
        let (imports, names): (Vec<_>, Vec<_>) = missing.map(|(import, name)| (import.clone(), name)).unzip();
        if imports.is_empty() {
            return Ok(());
        }
        Err(Ungranted { imports, wanted: Self(self.0.iter().copied().chain(names).collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_imported_and_not_granted_is_named_with_all_that_would_have_to_be() {
        let imports = ["shift-access:plugin/email@0.1.0", "wasi:io/error@0.2.6", "shift-access:plugin/http@0.1.0"].map(str::to_owned);
        assert_eq!(Grants::default().cover(&imports), Ok(()));
        let narrow = Grants::none().with("storage").unwrap().with("http").unwrap();
        let ungranted = narrow.cover(&imports).unwrap_err();
        assert_eq!(ungranted.to_string(), "the component imports shift-access:plugin/email@0.1.0, which is not granted");
        assert_eq!(ungranted.wanted.names().collect::<Vec<_>>(), ["http", "storage", "email"]);
        assert_eq!(ungranted.wanted.cover(&imports), Ok(()));
        assert_eq!(Grants::none().cover(&imports).unwrap_err().imports.len(), 2);
        assert_eq!(Grants::none().cover(&imports[1..2]), Ok(()), "parts of WASI are lent to everybody");
        assert!(Grants::none().with("mail").is_none());
    }
}

//! Names of people, and when two of them are the same.

/// The form of a name that is compared and stored under: trimmed, in lower case.
///
/// The directory and the time system must hold the same user name (facts/workspace-one.md §1.2), yet people type its
/// case as they like, and neither side says whether it looks at case.
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_match_without_regard_to_case_or_surrounding_space() {
        assert_eq!(key(" ADiaz "), key("adiaz"));
        assert_eq!(key("JÜRGEN"), "jürgen");
        assert_ne!(key("adiaz"), key("adiaz2"));
    }
}

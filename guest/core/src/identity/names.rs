//! How two user names that were meant to be one can differ.

use super::Cause;
use crate::ids;

/// What near names have in common: the name in small letters, without blanks and without a domain before or behind it.
///
/// It finds who was probably meant, for a person to look at. It matches nobody: `adiaz` of one domain need not be `adiaz` of
/// another.
pub fn loose_key(name: &str) -> String {
    let solid = solid(name);
    let behind = solid.rsplit('\\').next().unwrap_or_default();
    let bare = behind.split('@').next().unwrap_or_default();
    if bare.is_empty() { solid } else { bare.to_owned() }
}

/// The longest person number that zeros are tried for.
const LONGEST_NUMBER: usize = 15;

/// The same number with more zeros before it, or fewer: a table or a form easily loses them. None for what is no number.
pub fn other_zeros(number: &str) -> Vec<String> {
    let bare = number.trim_start_matches('0');
    if bare.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Vec::new();
    }
    (bare.len()..=LONGEST_NUMBER).map(|length| format!("{bare:0>length$}")).filter(|other| other != number).collect()
}

/// In small letters and without blanks, those included that nobody sees.
fn solid(name: &str) -> String {
    let is_blank = |letter: &char| letter.is_whitespace() || matches!(letter, '\u{200b}' | '\u{feff}');
    name.chars().filter(|letter| !is_blank(letter)).collect::<String>().to_lowercase()
}

/// What two names differ by; none where they are the same, or have nothing to do with each other.
pub(super) fn difference(one: &str, other: &str) -> Option<Cause> {
    if one == other || loose_key(one) != loose_key(other) {
        None
    } else if one.to_lowercase() == other.to_lowercase() {
        Some(Cause::Case)
    } else if ids::key(one) == ids::key(other) || solid(one) == solid(other) {
        Some(Cause::Spaces)
    } else {
        Some(Cause::Domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_case_blanks_or_domain() {
        for (one, other, expected) in [
            ("adiaz", "adiaz", None),
            ("adiaz", "bking", None),
            ("adiaz", "adiaz2", None),
            ("ADiaz", "adiaz", Some(Cause::Case)),
            ("adiaz", " adiaz", Some(Cause::Spaces)),
            ("a diaz", "ADiaz", Some(Cause::Spaces)),
            ("a\u{a0}diaz", "a diaz", Some(Cause::Spaces)),
            ("adiaz\u{200b}", "adiaz", Some(Cause::Spaces)),
            ("adiaz@acme.example", "adiaz", Some(Cause::Domain)),
            ("ACME\\adiaz", "adiaz", Some(Cause::Domain)),
            ("adiaz@acme.example", "adiaz@stores.example", Some(Cause::Domain)),
            ("ACME\\a diaz", "adiaz@acme.example", Some(Cause::Domain)),
        ] {
            assert_eq!(difference(one, other), expected, "{one:?} {other:?}");
            assert_eq!(difference(other, one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_number_is_tried_with_other_zeros() {
        let others = other_zeros("042");
        assert_eq!((others.len(), others[0].as_str(), others[1].as_str()), (13, "42", "0042"));
        for none in ["", "0", "x42", "4 2"] {
            assert!(other_zeros(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_name_that_is_only_a_domain_stays_as_it_is() {
        assert_eq!(loose_key("@Acme"), "@acme");
        assert_eq!(loose_key("ACME\\"), "acme\\");
        assert_eq!(loose_key("  "), "");
    }
}

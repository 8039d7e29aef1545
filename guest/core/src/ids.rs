//! Names of people, and when two of them are the same.

/// The form of a name that is compared and stored under: trimmed, in small letters.
///
/// The directory and the time system must hold the same user name (facts/workspace-one.md §1.2), yet people type its
/// case as they like, and neither side says whether it looks at case. Only a letter that is the capital of its small letter
/// is folded: some letters merely look like others, such as the Kelvin sign, and must not make two people one.
pub fn key(name: &str) -> String {
    name.trim().chars().map(small).collect()
}

fn small(letter: char) -> char {
    // The sigma at the end of a word has the capital of any other.
    let letter = if letter == 'ς' { 'σ' } else { letter };
    match only(letter.to_lowercase()) {
        Some(small) if only(small.to_uppercase()) == Some(letter) => small,
        _ => letter,
    }
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_match_without_regard_to_case_or_surrounding_space() {
        for (one, other) in [(" ADiaz ", "adiaz"), ("JÜRGEN", "jürgen"), ("ΠΑΠΑΣ", "παπας"), ("ЖУКОВ", "жуков")] {
            assert_eq!(key(one), key(other));
        }
        assert_ne!(key("adiaz"), key("adiaz2"));
    }

    #[test]
    fn a_letter_that_only_looks_like_another_stays_itself() {
        for (one, other) in
            [("\u{212a}elvin", "kelvin"), ("\u{212b}sa", "åsa"), ("\u{2126}", "ω"), ("\u{130}lker", "ilker"), ("stra\u{1e9e}e", "strasse")]
        {
            assert_ne!(key(one), key(other), "{one}");
        }
    }
}

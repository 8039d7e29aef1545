//! Keys and texts as TOML writes them. Every letter shows: what does not is written as an escape.

/// A key below a path.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = toml_key(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A key, quoted where TOML wants that.
pub(crate) fn toml_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { key.to_owned() } else { quoted(key) }
}

/// A basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if shows(letter) => quoted.push(letter),
            _ => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a letter does nothing but show: none that moves the cursor of a terminal, ends a line, turns the direction of writing round,
/// or cannot be seen.
pub(crate) fn shows(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_so_that_toml_reads_its_keys_again() {
        assert_eq!(join("", "url"), "url");
        for key in ["a b", "", "\u{202e}gnp", "\u{7f}", "a\"\\\n", "\u{85}", "é"] {
            let table: toml::Table = format!("{} = 1", join("zones", key)).parse().unwrap();
            assert_eq!(table["zones"].as_table().unwrap().keys().collect::<Vec<_>>(), [key]);
        }
    }
}

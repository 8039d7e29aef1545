//! IANA time zone names.

use chrono_tz::{TZ_VARIANTS, Tz};

/// The zone of an IANA name, without regard to case.
pub(crate) fn zone(name: &str) -> Option<Tz> {
    let name = name.trim();
    // Going through all names costs more than the rest of a time card, and no name has these.
    if name.contains([' ', '(', ')']) || !name.contains(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    name.parse().ok().or_else(|| TZ_VARIANTS.iter().copied().find(|tz| tz.name().eq_ignore_ascii_case(name)))
}

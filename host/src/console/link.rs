//! Addresses within the console. Whatever is put into one is encoded here, and nowhere else.

use url::form_urlencoded::{Serializer, byte_serialize};

/// The path of a page of a tenant: `rest` is what comes after its name and a slash, its parts encoded; empty for the first page.
pub(super) fn tenant(name: &str, rest: &str) -> String {
    let between = if rest.is_empty() { "" } else { "/" };
    format!("/console/tenants/{}{between}{rest}", part(name))
}

/// The path of what changes on a page of a tenant while somebody looks.
pub(super) fn live(tenant: &str, rest: &str) -> String {
    format!("/console/live/tenants/{}/{rest}", part(tenant))
}

/// A name as one part of a path.
pub(super) fn part(name: &str) -> String {
    // A plus in a path is a plus, and no space.
    byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A path with a query of those pairs that have a value.
pub(super) fn with<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    with_all(path, pairs.into_iter().filter(|(_, value)| !value.is_empty()))
}

/// A path with a query of these pairs, where an empty value says something too.
pub(super) fn with_all<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path_whatever_is_in_it() {
        assert_eq!(part("ana diaz/../x+y?<"), "ana%20diaz%2F..%2Fx%2By%3F%3C");
        assert_eq!((tenant("acme", "").as_str(), tenant("acme", "run").as_str()), ("/console/tenants/acme", "/console/tenants/acme/run"));
        assert_eq!(tenant("a/../b?c#d", "run"), "/console/tenants/a%2F..%2Fb%3Fc%23d/run");
        assert_eq!(live("acme", "identities"), "/console/live/tenants/acme/identities");
    }

    #[test]
    fn a_query_says_what_it_is_given_and_nothing_else() {
        assert_eq!(with("/x", [("a", ""), ("b", "1&c=2#\r\n"), ("d", "ö +")]), "/x?b=1%26c%3D2%23%0D%0A&d=%C3%B6+%2B");
        assert_eq!((with("/x", [("a", "")]).as_str(), with_all("/x", [("a", "")]).as_str()), ("/x", "/x?a="));
    }
}

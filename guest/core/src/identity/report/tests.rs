use super::super::{DirectoryUser, Pinned, members};
use super::*;

fn member(name: &str, domains: &[&str]) -> Member {
    let user = |(at, domain): (usize, &&str)| DirectoryUser { id: at.to_string(), user_name: name.into(), domain: Some((*domain).into()) };
    members(domains.iter().enumerate().map(user).collect()).remove(0)
}

fn person(number: &str, name: &str) -> Person {
    Person { person_number: number.into(), user_name: name.into(), zone: None, terminated: false }
}

fn left(person: Person) -> Person {
    Person { terminated: true, ..person }
}

fn pins(rows: &[(&str, &str)]) -> Pins {
    rows.iter().map(|(user, number)| ((*user).to_owned(), (*number).to_owned())).collect()
}

#[test]
fn a_plain_match_has_nothing_to_say() {
    let adiaz = person("7", "adiaz");
    let found = of_member(&member("adiaz", &["a"]), &Match::One(adiaz.clone()), None, &Pins::new(), std::slice::from_ref(&adiaz), true);
    let wanted = Identity {
        state: State::Matched,
        user: Some("adiaz".into()),
        person_numbers: vec!["7".into()],
        person_user: Some("adiaz".into()),
        pinned: false,
        cause: None,
        explanation: String::new(),
        suggestion: String::new(),
    };
    assert_eq!(found, wanted);
}

#[test]
fn every_way_of_a_member_has_its_cause() {
    let one = |person: Person| (Match::One(person), None);
    let none = || (Match::None, None);
    let several = |numbers: &[&str]| (Match::SeveralPersons(numbers.iter().map(|n| (*n).to_owned()).collect()), None);
    type Row<'a> = (&'a str, (Match, Option<&'a str>), Pins, Vec<Person>, State, Option<Cause>, &'a str);
    let rows: Vec<Row<'_>> = vec![
        ("ADiaz", one(person("7", "adiaz")), pins(&[]), vec![], State::Matched, Some(Cause::Case), ""),
        ("adiaz", one(left(person("7", "adiaz"))), pins(&[]), vec![], State::Matched, Some(Cause::Terminated), "Disable the user"),
        ("adiaz", one(person("7", "adiaz")), pins(&[("ghost", "7")]), vec![], State::Matched, None, ""),
        ("adiaz", one(person("8", "ana.diaz")), pins(&[("adiaz", "8")]), vec![], State::Matched, None, ""),
        (
            "adiaz",
            several(&["7", "8"]),
            pins(&[]),
            vec![person("7", "adiaz"), person("8", "adiaz")],
            State::Ambiguous,
            Some(Cause::SeveralPersons),
            "the right one of 7, 8",
        ),
        (
            "adiaz",
            several(&["7", "8"]),
            pins(&[]),
            vec![person("7", "adiaz"), person("8", "ADIAZ")],
            State::Ambiguous,
            Some(Cause::Case),
            "\"adiaz\" = ",
        ),
        ("adiaz", none(), pins(&[]), vec![], State::OnlyDirectory, Some(Cause::Hidden), "\"adiaz\" = \"PERSON NUMBER\""),
        ("adiaz", none(), pins(&[]), vec![person("7", "ADiaz")], State::OnlyDirectory, Some(Cause::Case), "\"adiaz\" = \"7\""),
        ("adiaz", none(), pins(&[]), vec![person("7", "a diaz")], State::OnlyDirectory, Some(Cause::Spaces), "\"adiaz\" = \"7\""),
        (
            "ACME\\adiaz",
            none(),
            pins(&[]),
            vec![person("7", "adiaz")],
            State::OnlyDirectory,
            Some(Cause::Domain),
            "\"ACME\\\\adiaz\" = \"7\"",
        ),
        (
            "adiaz",
            none(),
            pins(&[]),
            vec![left(person("6", "a diaz")), person("7", "adiaz@x")],
            State::OnlyDirectory,
            Some(Cause::Domain),
            "= \"7\"",
        ),
        (
            "adiaz",
            none(),
            pins(&[]),
            vec![person("7", "adiaz@x"), person("8", "adiaz@y")],
            State::OnlyDirectory,
            Some(Cause::Domain),
            "one of 7, 8",
        ),
        ("adiaz", none(), pins(&[("adiaz", "9")]), vec![], State::OnlyDirectory, Some(Cause::PinUnknown), "Correct the person number"),
        (
            "adiaz",
            none(),
            pins(&[("adiaz", "9")]),
            vec![person("7", "adiaz")],
            State::OnlyDirectory,
            Some(Cause::PinUnknown),
            "person 7 has this",
        ),
        ("adiaz", (Match::None, Some("WCO-1")), pins(&[]), vec![], State::OnlyDirectory, Some(Cause::KronosError), "Ask again"),
    ];
    for (name, (found, failed), pins, near, state, cause, suggestion) in rows {
        let said = of_member(&member(name, &["a"]), &found, failed, &pins, &near, true);
        assert_eq!((said.state, said.cause), (state, cause), "{said:?}");
        assert_eq!(said.explanation.is_empty(), cause.is_none(), "{said:?}");
        assert!(said.suggestion.contains(suggestion) && said.suggestion.is_empty() == suggestion.is_empty(), "{said:?}");
        assert_eq!(said.pinned, pins.contains_key(&ids::key(name)), "{said:?}");
        let alone = said.state == State::OnlyDirectory;
        assert_eq!(said.person_numbers.is_empty(), alone, "{said:?}");
    }
}

#[test]
fn one_name_in_several_domains_cannot_be_pinned() {
    let found = Match::SeveralUsers(vec!["a".into(), "b".into()]);
    let said = of_member(&member("adiaz", &["a", "b"]), &found, None, &pins(&[("adiaz", "7")]), &[person("7", "adiaz")], true);
    assert_eq!((said.state, said.cause, said.person_numbers), (State::Ambiguous, Some(Cause::Domain), vec!["7".to_owned()]));
    assert!(said.suggestion.contains("cannot tell them apart"), "{}", said.suggestion);
    assert_eq!(said.explanation, "The directory has this user name in several domains: a, b.");
    let same = of_member(&member("adiaz", &["a", "a"]), &Match::SeveralUsers(vec!["a".into()]), None, &Pins::new(), &[], true);
    assert_eq!((same.state, same.cause), (State::Ambiguous, Some(Cause::SeveralUsers)));
}

#[test]
fn without_the_list_of_people_nothing_is_claimed_of_who_is_near() {
    let of = |found: Match, pins: &Pins| of_member(&member("adiaz", &["a"]), &found, None, pins, &[], false);
    let said = of(Match::None, &Pins::new());
    assert_eq!((said.state, said.cause), (State::OnlyDirectory, None));
    assert!(said.explanation.contains("is not known") && said.suggestion.contains("\"adiaz\" = "), "{said:?}");
    assert_eq!(of(Match::None, &pins(&[("adiaz", "9")])).cause, Some(Cause::PinUnknown));
    assert_eq!(of(Match::One(person("7", "ADiaz")), &Pins::new()).cause, Some(Cause::Case));
}

#[test]
fn whoever_comes_to_one_person_is_told_of_the_others() {
    let row = |name: &str, pins: &Pins| of_member(&member(name, &["a"]), &Match::One(person("7", "gneill")), None, pins, &[], true);
    let rows = vec![row("gneill", &Pins::new()), row("adiaz", &pins(&[("adiaz", "7")]))];
    let told = shared(rows.clone());
    for (row, other) in told.iter().zip(["\"adiaz\" comes", "\"gneill\" comes"]) {
        assert_eq!((row.state, row.cause), (State::Matched, Some(Cause::Shared)));
        assert!(row.explanation.starts_with(other) && row.explanation.ends_with("the punches of 7."), "{row:?}");
        assert!(row.suggestion.ends_with("is not this person: \"adiaz\"."), "{row:?}");
    }
    assert_eq!(shared(rows[..1].to_vec()), rows[..1]);
    let three = shared(vec![row("a", &Pins::new()), row("b", &Pins::new()), row("c", &Pins::new())]);
    assert!(three[0].explanation.starts_with("\"b\", \"c\" come to"), "{three:?}");
}

#[test]
fn two_who_are_near_one_person_are_told_of_each_other_once() {
    let row = |name: &str| of_member(&member(name, &["a"]), &Match::None, None, &Pins::new(), &[person("3", "u ser")], true);
    let told = rivals(rivals(vec![row("dom\\user"), row("user")]));
    assert!(told[0].explanation.ends_with("domain. As near in the directory: \"user\"."), "{told:?}");
    assert!(told[1].explanation.ends_with("blanks. As near in the directory: \"dom\\\\user\"."), "{told:?}");
    assert_eq!(rivals(vec![row("user")]), [row("user")]);
}

#[test]
fn whoever_is_near_is_told_with_the_name_and_the_others_are_told_where_there_are_more() {
    let near = [person("3", "a diaz"), person("4", "acme\\adiaz")];
    let of = |near: &[Person]| of_member(&member("adiaz", &["a"]), &Match::None, None, &Pins::new(), near, true);
    assert_eq!((of(&near[..1]).person_user.as_deref(), of(&near[..1]).explanation.contains("Others are near")), (Some("a diaz"), false));
    assert!(of(&near).explanation.ends_with("Others are near as well: 3, 4."), "{:?}", of(&near));
}

#[test]
fn a_pin_that_lost_its_zeros_is_told_with_them() {
    let said = of_member(&member("adiaz", &["a"]), &Match::None, None, &pins(&[("adiaz", "42")]), &[], true);
    assert_eq!(
        short_of_zeros(said, "0042").suggestion,
        "Write the person number with its zeros: \"adiaz\" = \"0042\" in properties.identities."
    );
}

#[test]
fn what_nobody_sees_in_a_name_is_written_so_that_it_can_be_copied() {
    for (name, written) in [
        ("o'neil", r#""o'neil""#),
        ("JÜRGEN ", r#""JÜRGEN ""#),
        (r#"ACME\a"b"#, r#""ACME\\a\"b""#),
        ("a\u{200b}\tb", r#""a\u200B\u0009b""#),
        ("a\u{e0041}b", r#""a\U000E0041b""#),
    ] {
        assert_eq!(quoted(name), written);
    }
}

#[test]
fn a_pin_that_leads_nobody_here_hides_no_near_user() {
    let ghost = pins(&[("ghost", "5")]);
    let users = [Namesake { user_name: "ACME\\evans".into(), standing: Standing::Member, is_matched: false }];
    let said = of_person(&person("5", "evans"), None, &ghost, &Pinned::of(&ghost), &users);
    assert_eq!((said.cause, said.user.as_deref(), said.pinned), (Some(Cause::Domain), Some("ACME\\evans"), true));
    assert!(said.explanation.contains("ghost is not exactly one user"), "{said:?}");
}

#[test]
fn a_pin_to_nobody_is_told_to_the_person_of_the_very_name() {
    let lost = pins(&[("adiaz", "999")]);
    let users = [Namesake { user_name: "adiaz".into(), standing: Standing::Member, is_matched: false }];
    let said = of_person(&person("7", "adiaz"), None, &lost, &Pinned::of(&lost), &users);
    assert_eq!((said.cause, said.user.as_deref()), (Some(Cause::PinUnknown), Some("adiaz")));
}

#[test]
fn every_way_of_a_person_has_its_cause() {
    let user = |name: &str, standing| Namesake { user_name: name.to_owned(), standing, is_matched: true };
    let (inside, elsewhere, disabled) = (Standing::Member, Standing::Elsewhere, Standing::Disabled);
    for (person, failed, pins, users, cause, named) in [
        (person("7", "adiaz"), None, pins(&[]), vec![], Cause::NotSynced, None),
        (left(person("7", "adiaz")), None, pins(&[]), vec![], Cause::Terminated, None),
        (person("7", ""), None, pins(&[]), vec![], Cause::NoUserName, None),
        (person("7", ""), Some("WCO-1"), pins(&[]), vec![], Cause::KronosError, None),
        (person("7", "adiaz"), None, pins(&[]), vec![user("ADiaz", elsewhere)], Cause::NotInGroup, Some("ADiaz")),
        (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz", disabled)], Cause::Disabled, Some("adiaz")),
        (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz", disabled), user("adiaz", elsewhere)], Cause::NotInGroup, Some("adiaz")),
        (person("7", "adiaz"), None, pins(&[("adiaz", "8")]), vec![user("adiaz", inside)], Cause::PinnedElsewhere, Some("adiaz")),
        (person("7", "x"), None, pins(&[("adiaz", "7")]), vec![], Cause::NotInGroup, Some("adiaz")),
        (person("7", "adiaz"), None, pins(&[]), vec![user("ADiaz", inside)], Cause::Case, Some("ADiaz")),
        (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz@x", inside)], Cause::Domain, Some("adiaz@x")),
        (person("7", "a diaz"), None, pins(&[]), vec![user("adiaz", inside)], Cause::Spaces, Some("adiaz")),
        (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz", inside)], Cause::Hidden, Some("adiaz")),
    ] {
        let said = of_person(&person, failed, &pins, &Pinned::of(&pins), &users);
        assert_eq!((said.state, said.cause, said.user.as_deref()), (State::OnlyKronos, Some(cause), named), "{said:?}");
        assert_eq!(said.person_numbers, ["7"]);
        assert!(!said.explanation.is_empty(), "{said:?}");
        assert_eq!(said.suggestion.is_empty(), cause == Cause::Terminated, "{said:?}");
    }
}

//! Many mails as one. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Letter, Place};
use crate::mail::page::Part;

/// The longest value of a row where many are listed, in characters.
const MAX_VALUE: usize = 600;
/// The most bytes of one mail, well below what a mailer takes.
const MAX_BYTES: usize = 800_000;

/// Puts letters to one address together, as many as one mail can bear: at least the first.
pub(super) fn together(letters: Vec<(Place, Letter)>, now: DateTime<Utc>) -> Option<Letter> {
    let (mut bytes, mut taken) = (0, Vec::new());
    for (place, letter) in letters {
        let parts: Vec<Part> = letter.parts.iter().map(|part| part.clone().shorter(MAX_VALUE)).collect();
        bytes += parts.iter().map(Part::size).sum::<usize>();
        if bytes > MAX_BYTES && !taken.is_empty() {
            break;
        }
        taken.push((place, letter, parts));
    }
    // Failures first.
    taken.sort_by_key(|(_, letter, _)| letter.good);
    let first = &taken.first()?.1;
    let tenants = |good: bool| {
        let of_kind = taken.iter().filter(|(_, letter, _)| letter.good == good);
        of_kind.map(|(_, letter, _)| letter.tenant.as_str()).collect::<BTreeSet<_>>().len()
    };
    let said = summary(tenants(false), tenants(true));
    Some(Letter {
        to: first.to.clone(),
        subject: format!("Shift Access: {said}"),
        opening: Some(format!("{said}:")),
        key: format!("together/{}", first.key),
        good: tenants(false) == 0,
        tenant: String::new(),
        job: String::new(),
        run: None,
        created: now,
        refused: taken.iter().filter_map(|(_, letter, _)| letter.refused).min(),
        members: taken.iter().map(|(place, ..)| place.clone()).collect(),
        parts: taken.into_iter().flat_map(|(.., parts)| parts).collect(),
    })
}

fn summary(failing: usize, good: usize) -> String {
    let tenants = |number: usize| if number == 1 { "1 tenant".to_owned() } else { format!("{number} tenants") };
    let fail = format!("{} {} failing jobs", tenants(failing), if failing == 1 { "has" } else { "have" });
    let work = if good == 1 { "works again" } else { "work again" };
    match (failing, good) {
        (_, 0) => fail,
        (0, _) => format!("{} {work}", tenants(good)),
        _ => format!("{fail}, {good} {work}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(tenant: &str, good: bool) -> (Place, Letter) {
        let part = Part::new(format!("batch of {tenant}"), [("What happened", "m".repeat(3_000))]);
        let letter = Letter {
            to: "ops@acme.example".into(),
            subject: "s".into(),
            opening: None,
            parts: vec![part],
            key: format!("key-{tenant}"),
            good,
            tenant: tenant.into(),
            job: "batch".into(),
            run: None,
            created: Utc::now(),
            refused: None,
            members: vec![],
        };
        (Place { tenant: tenant.into(), key: format!("outbox/{tenant}") }, letter)
    }

    fn subject(letters: Vec<(Place, Letter)>) -> String {
        together(letters, Utc::now()).unwrap().subject
    }

    #[test]
    fn the_subject_counts_tenants_and_failures_come_first() {
        assert_eq!(subject(vec![letter("a", false), letter("b", false), letter("b", false)]), "Shift Access: 2 tenants have failing jobs");
        assert_eq!(subject(vec![letter("a", true), letter("b", true)]), "Shift Access: 2 tenants work again");
        let both = together(vec![letter("a", true), letter("b", false)], Utc::now()).unwrap();
        assert_eq!(both.subject, "Shift Access: 1 tenant has failing jobs, 1 works again");
        assert_eq!(both.parts[0].headline, "batch of b");
        assert_eq!(both.members.len(), 2);
        assert!(together(vec![], Utc::now()).is_none());
    }

    #[test]
    fn a_mail_stays_small_enough_and_the_rest_waits() {
        let many: Vec<_> = (0..3_000).map(|number| letter(&format!("tenant-{number}"), false)).collect();
        let one = together(many, Utc::now()).unwrap();
        assert!(one.members.len() > 100 && one.members.len() < 3_000, "{}", one.members.len());
        let mail = one.mail();
        assert!(mail.text.len() + mail.html.unwrap().len() <= MAX_BYTES + 1_000);
    }
}

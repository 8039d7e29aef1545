//! What is to be said of a person of the time system whom no user was matched with.

use super::super::names::difference;
use super::super::{Person, Pinned, Pins};
use super::wording::{pin_to, quoted, said, written};
use super::{Cause, Identity, Namesake, Standing, State};
use crate::ids;

/// What is to be said of a person whom no member was matched with: `namesakes` are the users of the directory whose name
/// has the same [`loose_key`](crate::identity::names::loose_key), and `pinned` are all `pins`.
pub fn of_person(person: &Person, failed: Option<&str>, pins: &Pins, pinned: &Pinned, namesakes: &[Namesake]) -> Identity {
    let pin = pinned.users(&person.person_number).first();
    let (cause, user, explanation, suggestion) = match pin {
        Some(user) if !person.terminated && namesakes.is_empty() => useless_pin(user),
        Some(user) if !person.terminated => beside_a_useless_pin(user, why_alone(person, failed, pins, namesakes)),
        _ => why_alone(person, failed, pins, namesakes),
    };
    Identity {
        state: State::OnlyKronos,
        user,
        person_numbers: vec![person.person_number.clone()],
        person_user: written(person),
        pinned: pin.is_some(),
        cause: Some(cause),
        explanation,
        suggestion,
    }
}

/// The cause, the user it is about, the explanation and the suggestion.
type Alone = (Cause, Option<String>, String, String);

fn why_alone(person: &Person, failed: Option<&str>, pins: &Pins, namesakes: &[Namesake]) -> Alone {
    let (number, name) = (&person.person_number, &person.user_name);
    let key = ids::key(name);
    if person.terminated {
        return (Cause::Terminated, None, "The person has left.".to_owned(), String::new());
    }
    if let Some(message) = failed {
        let explanation = format!("Kronos does not tell the user name of this person: {message}");
        return (Cause::KronosError, None, explanation, "Ask again; if the error stays, look the person up in Kronos.".to_owned());
    }
    if key.is_empty() {
        let suggestion = format!(
            "Give the person the user name of the directory, or pin the user by hand: \"USER NAME\" = {} in properties.identities.",
            quoted(number)
        );
        return (Cause::NoUserName, None, "The person has no user name in Kronos.".to_owned(), suggestion);
    }
    let exact = namesakes.iter().filter(|user| ids::key(&user.user_name) == key).min_by_key(|user| user.standing);
    if let Some(user) = exact {
        let written = Some(user.user_name.clone());
        let elsewhere = pins.get(&key).filter(|pinned| *pinned != number);
        return match (user.standing, elsewhere) {
            (Standing::Member, Some(other)) if !user.is_matched => {
                let explanation =
                    format!("The property identities pins the user of this name to {other}, who is nobody the API user sees.");
                let suggestion = "Correct the line in properties.identities, or take it out: this person has the very user name.";
                (Cause::PinUnknown, written, explanation, suggestion.to_owned())
            }
            (Standing::Member, Some(other)) => {
                let explanation = format!("The property identities pins the user of this name to person {other}.");
                (Cause::PinnedElsewhere, written, explanation, "Nothing, if the pin is right.".to_owned())
            }
            (Standing::Member, None) => near(person, user),
            (Standing::Elsewhere, _) => {
                let suggestion = "Put the user into one of the groups of user-groups, if the person is to have access by working status.";
                (Cause::NotInGroup, written, "The directory has this user, but in no configured group.".to_owned(), suggestion.to_owned())
            }
            (Standing::Disabled, _) => {
                let suggestion = "Enable the user in Workspace ONE Access, if the person is to have access.";
                (Cause::Disabled, written, "The directory has this user, but disabled.".to_owned(), suggestion.to_owned())
            }
        };
    }
    if let Some(user) = namesakes.iter().min_by_key(|user| user.standing) {
        return near(person, user);
    }
    let suggestion = "Look in Workspace ONE Access whether the directory of this person is synced, and the person with it.";
    (Cause::NotSynced, None, "The directory has no user of this name.".to_owned(), suggestion.to_owned())
}

/// The user of the pin was matched with nobody, so it is not one user of the configured groups.
fn useless_pin(user: &str) -> Alone {
    let explanation =
        format!("The property identities pins {user} to this person, and {user} is not exactly one user of the configured groups.");
    let suggestion = "Put the user into one of the groups of user-groups, or take the line out of properties.identities.";
    (Cause::NotInGroup, Some(user.to_owned()), explanation, suggestion.to_owned())
}

/// A pin that leads nobody here must not hide who was meant.
fn beside_a_useless_pin(pin: &str, (cause, user, mut explanation, suggestion): Alone) -> Alone {
    let (_, _, about_the_pin, _) = useless_pin(pin);
    explanation.push(' ');
    explanation.push_str(&about_the_pin);
    (cause, user, explanation, suggestion)
}

/// Somebody whose name is near a user's, or the same in a way that Kronos does not find.
fn near(person: &Person, user: &Namesake) -> Alone {
    let cause = difference(&user.user_name, &person.user_name).unwrap_or(Cause::Hidden);
    let mut explanation = said(cause, &user.user_name, &person.user_name);
    match user.standing {
        Standing::Member => {}
        Standing::Elsewhere => explanation.push_str(" That user is in no configured group."),
        Standing::Disabled => explanation.push_str(" That user is disabled."),
    }
    let numbers = [person.person_number.clone()];
    let suggestion = format!("Make the two names the same, or, if they are the same human being, {}.", pin_to(&user.user_name, &numbers));
    (cause, Some(user.user_name.clone()), explanation, suggestion)
}

//! Whose fault a call's end is: the one place where errors and statuses of both systems become numbers of the catalogue.

use shift_access_core::catalogue;

use crate::bindings::shift_access::plugin::http::{Error, Refusal};
use crate::call::said::{Said, not_json, short, speaks_of_app_key};
use crate::call::{Answer, System};
use crate::trouble::Trouble;

/// Codes of UKG's gateway that mean "too many calls", whatever their status (facts/ukg-pro-wfm.md §1.5).
const SPIKE: &str = "GTW-ERROR-012";
/// UKG's code for a family of functions the tenant has not bought (facts/ukg-pro-wfm.md §1.4).
const UNLICENSED: &str = "WFA-000030";

impl System {
    const fn unreachable(self) -> u8 {
        match self {
            Self::Kronos => catalogue::KRONOS_UNREACHABLE,
            Self::Access => catalogue::ACCESS_UNREACHABLE,
        }
    }

    /// Access has no number of its own for throttling: the next run tries again, as with an outage.
    const fn throttled(self) -> u8 {
        match self {
            Self::Kronos => catalogue::KRONOS_THROTTLED,
            Self::Access => catalogue::ACCESS_UNREACHABLE,
        }
    }

    const fn puzzling(self) -> u8 {
        match self {
            Self::Kronos => catalogue::KRONOS_NOT_UNDERSTOOD,
            Self::Access => catalogue::ACCESS_NOT_UNDERSTOOD,
        }
    }
}

/// There was no answer.
pub fn failed(system: System, error: &Error) -> Trouble {
    let name = system.title();
    match error {
        Error::CredentialsRefused(refusal) => login_refused(system, refusal),
        Error::Unreachable(text) => Trouble::new(system.unreachable(), format!("{name} was not reached: {}", short(text))),
        Error::Timeout => Trouble::new(system.unreachable(), format!("{name} did not answer in time")),
        Error::Throttled(throttle) => {
            let message = format!("{name} throttles{}", asked_to_wait(throttle.retry_after_seconds));
            let message = with_request_id(system, message, throttle.request_id.as_deref());
            Trouble { wait: throttle.retry_after_seconds, ..Trouble::new(system.throttled(), message) }
        }
        Error::TooLarge(limit) => Trouble::new(system.puzzling(), format!("{name} answered with more than {limit} bytes")),
        Error::UnknownConnection => {
            Trouble::new(system.unreachable(), format!("the tenant has no connection named {}", system.connection()))
        }
        Error::NotGranted(text) => Trouble::new(system.unreachable(), format!("the call to {name} is not granted: {}", short(text))),
        Error::Other(text) => Trouble::new(system.unreachable(), format!("the call to {name} failed: {}", short(text))),
    }
}

fn asked_to_wait(wait: Option<u32>) -> String {
    wait.map(|seconds| format!(" and asks to wait {seconds} s")).unwrap_or_default()
}

/// There was an answer, and its status is no success.
pub fn refused(system: System, answer: &Answer) -> Trouble {
    let said = Said::read(&answer.body);
    let number = match system {
        System::Kronos => kronos_number(answer.status, &said),
        System::Access => access_number(answer.status),
    };
    let name = system.title();
    let (status, said_so) = (answer.status, &said);
    let message = if number == catalogue::KRONOS_FORBIDDEN {
        format!("{name} does not let the API user call this function{} ({status}, {said_so})", licence(&said))
    } else {
        format!("{name} answered {status}: {said_so}")
    };
    Trouble::new(number, with_request_id(system, message, answer.request_id.as_deref()))
}

/// Whether what stands in the way is no right of the API user but a licence of the tenant.
pub fn is_unlicensed(trouble: &Trouble) -> bool {
    trouble.message.contains(UNLICENSED)
}

fn licence(said: &Said) -> &'static str {
    if said.code.as_deref() == Some(UNLICENSED) { ", because the tenant has no licence for it" } else { "" }
}

fn kronos_number(status: u16, said: &Said) -> u8 {
    match status {
        _ if said.code.as_deref() == Some(SPIKE) => catalogue::KRONOS_THROTTLED,
        401 | 403 if said.blames_app_key() => catalogue::KRONOS_APP_KEY,
        401 => catalogue::KRONOS_LOGIN,
        403 => catalogue::KRONOS_FORBIDDEN,
        429 => catalogue::KRONOS_THROTTLED,
        500.. => catalogue::KRONOS_UNREACHABLE,
        _ => catalogue::KRONOS_NOT_UNDERSTOOD,
    }
}

const fn access_number(status: u16) -> u8 {
    match status {
        401 | 403 => catalogue::ACCESS_CLIENT,
        429 | 500.. => catalogue::ACCESS_UNREACHABLE,
        _ => catalogue::ACCESS_NOT_UNDERSTOOD,
    }
}

/// The login was refused, or a fresh token was.
fn login_refused(system: System, refusal: &Refusal) -> Trouble {
    let number = match system {
        // A success without a token is no refusal. A page at Kronos is: it is how an -sso host answers.
        System::Kronos if !refusal.not_json && refusal.status < 300 => catalogue::KRONOS_NOT_UNDERSTOOD,
        System::Kronos => kronos_login_number(refusal),
        System::Access if refusal.status < 400 => catalogue::ACCESS_NOT_UNDERSTOOD,
        System::Access => catalogue::ACCESS_CLIENT,
    };
    let said = Said { code: refusal.code.clone(), text: Some(refusal.text.clone()).filter(|text| !text.trim().is_empty()), about: None };
    let mut message = format!("the login to {} was refused ({}): {said}", system.title(), refusal.status);
    if refusal.not_json && system == System::Kronos {
        message.push_str(
            ". It answered with a page or a redirect and no JSON, as an -sso host does, or a user who can only sign in through an identity provider",
        );
    }
    Trouble::new(number, with_request_id(system, message, refusal.request_id.as_deref()))
}

/// Which of the three things the customer typed was wrong (facts/ukg-pro-wfm.md §1.5). A wrong client is `invalid_client`
/// or `unauthorized_client`; at a tenant with UKG Authentication it can be `access_denied` with a 401.
fn kronos_login_number(refusal: &Refusal) -> u8 {
    let code = refusal.code.as_deref().unwrap_or_default();
    let app_key = code.starts_with("GTW-ERROR") || (matches!(refusal.status, 401 | 403) && speaks_of_app_key(&refusal.text));
    match code.to_ascii_lowercase().as_str() {
        "gtw-error-012" | "too_many_attempts" => catalogue::KRONOS_THROTTLED,
        _ if refusal.status == 429 => catalogue::KRONOS_THROTTLED,
        "invalid_grant" | "invalid_user_password" => catalogue::KRONOS_LOGIN,
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => catalogue::KRONOS_CLIENT,
        "access_denied" if refusal.status == 401 => catalogue::KRONOS_CLIENT,
        _ if app_key => catalogue::KRONOS_APP_KEY,
        _ => catalogue::KRONOS_LOGIN,
    }
}

/// There was a success, and its body makes no sense.
pub fn not_understood(system: System, answer: &Answer, what: &str) -> Trouble {
    let said = Said::read(&answer.body);
    let body = if said.is_silent() { not_json(&answer.body) } else { said.to_string() };
    let message = format!("{} answered {} to {what} with {body}", system.title(), answer.status);
    Trouble::new(system.puzzling(), with_request_id(system, message, answer.request_id.as_deref()))
}

/// A message with the id that support asks for, where there is one.
pub fn with_request_id(system: System, message: String, id: Option<&str>) -> String {
    match (id, system) {
        (Some(id), System::Kronos) => format!("{message} (kronos-tid {})", short(id)),
        (Some(id), System::Access) => format!("{message} (request id {})", short(id)),
        (None, _) => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::shift_access::plugin::http::Throttle;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), request_id: Some("7f3".to_owned()) }
    }

    fn refusal(status: u16, code: &str, text: &str) -> Error {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        Error::CredentialsRefused(Refusal { status, code, text: text.to_owned(), not_json: false, request_id: None })
    }

    #[test]
    fn statuses_of_kronos_become_numbers() {
        let table = [
            (401, r#"{"errorCode":"X","message":"token"}"#, 11),
            (401, r#"{"errorCode":"GTW-ERROR-003","message":"no"}"#, 13),
            (403, r#"{"message":"Invalid appkey"}"#, 13),
            (403, r#"{"errorCode":"WFA-000030","message":"no"}"#, 14),
            (403, "", 14),
            (429, "", 15),
            (503, r#"{"errorCode":"GTW-ERROR-012"}"#, 15),
            (500, "<html>", 10),
            (400, r#"{"errorCode":"WFP-90011"}"#, 16),
            (302, "", 16),
        ];
        for (status, body, number) in table {
            let trouble = refused(System::Kronos, &answer(status, body));
            assert_eq!(trouble.number, number, "{status} {body}");
            assert!(trouble.message.ends_with("(kronos-tid 7f3)"), "{trouble}");
        }
    }

    #[test]
    fn statuses_of_access_become_numbers() {
        for (status, number) in [(401, 21), (403, 21), (429, 20), (500, 20), (503, 20), (404, 25), (444, 25)] {
            assert_eq!(refused(System::Access, &answer(status, "")).number, number, "{status}");
        }
    }

    #[test]
    fn a_refused_login_names_what_was_wrong() {
        let table = [
            (400, "invalid_grant", "", 11),
            (401, "invalid_client", "", 12),
            (400, "unauthorized_client", "", 12),
            (401, "access_denied", "Unauthorized", 12),
            (401, "GTW-ERROR-001", "x", 13),
            (403, "", "Invalid app key", 13),
            (503, "GTW-ERROR-012", "spike", 15),
            (400, "something", "", 11),
        ];
        for (status, code, text, number) in table {
            assert_eq!(failed(System::Kronos, &refusal(status, code, text)).number, number, "{status} {code}");
        }
        assert_eq!(failed(System::Access, &refusal(401, "invalid_client", "")).number, 21);
    }

    #[test]
    fn a_page_instead_of_a_login_answer_points_at_sso() {
        let page = Refusal { status: 200, code: None, text: "a page".to_owned(), not_json: true, request_id: Some("t1".to_owned()) };
        let trouble = failed(System::Kronos, &Error::CredentialsRefused(page));
        assert_eq!(trouble.number, 11);
        assert!(trouble.message.contains("-sso") && trouble.message.ends_with("(kronos-tid t1)"), "{trouble}");
    }

    #[test]
    fn without_an_answer_it_is_unreachable_or_throttled() {
        assert_eq!(failed(System::Kronos, &Error::Timeout).number, 10);
        let throttle = Throttle { retry_after_seconds: Some(90), request_id: Some("t1".to_owned()) };
        let trouble = failed(System::Kronos, &Error::Throttled(throttle.clone()));
        assert_eq!((trouble.number, trouble.message.as_str()), (15, "Kronos throttles and asks to wait 90 s (kronos-tid t1)"));
        assert_eq!(trouble.wait, Some(90));
        assert_eq!(failed(System::Access, &Error::Throttled(throttle)).number, 20);
        assert_eq!(failed(System::Access, &Error::UnknownConnection).number, 20);
    }

    #[test]
    fn a_page_under_a_success_is_not_understood() {
        let trouble = not_understood(System::Kronos, &answer(200, "<!DOCTYPE html><p>"), "the list of people");
        assert_eq!(trouble.number, 16);
        assert_eq!(trouble.message, "Kronos answered 200 to the list of people with an HTML page where JSON was due (kronos-tid 7f3)");
    }
}

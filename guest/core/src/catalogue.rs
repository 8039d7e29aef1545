//! Every error the pack can raise, and those the platform raises for it: one table, from which the pack's description,
//! the mails and the README draw.
//!
//! The form of a code is that of the original error list (facts/workspace-one.md §2.7): where it comes from, a dash,
//! what it is about, two digits.

use std::fmt::Write as _;

/// What the codes of jobs begin with.
pub const JOBS: &str = "HWBS-WS";
/// What the codes of the listener begin with.
pub const LISTENER: &str = "HWKR-WS";

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The two digits of the code.
    pub number: u8,
    /// A short title.
    pub title: &'static str,
    /// What happened.
    pub message: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The whole code, such as `HWBS-WS24`.
pub fn code(prefix: &str, number: u8) -> String {
    format!("{prefix}{number:02}")
}

/// The row of a number.
pub fn entry(number: u8) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.number == number)
}

/// The table as Markdown, in the order of the numbers.
pub fn markdown_table() -> String {
    let mut table = String::from("| Code | Title | What happened | What to do |\n|---|---|---|---|\n");
    for Entry { number, title, message, remedy } in CATALOGUE {
        let cell = |text: &str| text.replace('|', "\\|");
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{number:02}` | {} | {} | {} |", cell(title), cell(message), cell(remedy));
    }
    table
}

macro_rules! catalogue {
    ($($(#[$meta:meta])* $name:ident = $number:literal { $title:literal, $message:literal, $remedy:literal $(,)? })+) => {
        $($(#[$meta])* pub const $name: u8 = $number;)+

        /// Every error, in the order of the numbers.
        pub const CATALOGUE: &[Entry] = &[
            $(Entry { number: $number, title: $title, message: $message, remedy: $remedy },)+
        ];
    };
}

catalogue! {
    /// `user-groups` is missing or empty.
    USER_GROUPS_MISSING = 1 {
        "No user groups",
        "The property user-groups is missing or names no group, so there is nobody to read.",
        "Set user-groups to the names of the Workspace ONE Access groups that hold the workers, separated by commas. \
         A comma inside a name is written as \\,.",
    }
    /// A property is out of bounds.
    OUT_OF_BOUNDS = 2 {
        "A property is out of bounds",
        "A number is smaller or larger than the pack allows.",
        "Use a number within the bounds that the message names. The description of the pack lists them all.",
    }
    /// A job or option the pack does not have.
    UNKNOWN_JOB = 3 {
        "No such job",
        "The platform asked for a job or an option that this pack does not have.",
        "Use test-connection or batch. If a schedule names the job, correct the schedule.",
    }
    /// UKG could not be reached.
    KRONOS_UNREACHABLE = 10 {
        "Kronos cannot be reached",
        "UKG Pro WFM did not answer, or answered with a server error every time it was tried.",
        "Check the url of the connection kronos, the name server and the firewall (outbound port 443). Give the plain \
         host of the tenant, without -sso. If the address is right, look at UKG's status page; the next run tries again by itself.",
    }
    /// UKG refused the user name or password.
    KRONOS_LOGIN = 11 {
        "Kronos refused the user name or the password",
        "UKG Pro WFM did not log the API user in. A locked account and an expired password look the same from here.",
        "Check username and password of the connection kronos. In UKG, look whether the account is locked, tick API Only User so \
         that its password does not expire, and set its authentication type to Basic: a federated user cannot log in this way.",
    }
    /// UKG refused the client id or secret.
    KRONOS_CLIENT = 12 {
        "Kronos refused the client id or the client secret",
        "UKG Pro WFM does not know this OAuth client, or its secret is another one.",
        "Check client-id and client-secret of the connection kronos. They belong to one tenant and one environment: those of a \
         non-production tenant do not open production. UKG Support gives new ones.",
    }
    /// UKG refused the app key.
    KRONOS_APP_KEY = 13 {
        "Kronos refused the app key",
        "The gateway of UKG Pro WFM did not accept the app key, or wants one and got none.",
        "Copy the key anew from Main Menu > Administration > Application Setup > Common Setup > My Apps, in this very tenant and \
         environment, into app-key of the connection kronos. Newer tenants need none: leave it out there.",
    }
    /// The API user lacks a right.
    KRONOS_FORBIDDEN = 14 {
        "The API user may not call this function",
        "UKG Pro WFM knows the API user and refuses the function: its function access profile or the licence does not cover it.",
        "Give the API user a function access profile with people, timekeeping and (for on-premise) information access, and at least a \
         manager licence. The code WFA-000030 in the message means that the tenant has no licence for this API.",
    }
    /// UKG throttles.
    KRONOS_THROTTLED = 15 {
        "Kronos asks to slow down",
        "UKG Pro WFM refused calls because there were too many, for longer than a run waits.",
        "Run less often (interval-minutes or the schedule), spread the tenants over the hour, and look which other integrations use \
         the same API user. The next run tries again by itself.",
    }
    /// UKG's answer was not understood.
    KRONOS_NOT_UNDERSTOOD = 16 {
        "Kronos answered something not understood",
        "The answer of UKG Pro WFM was not in the form it documents. A login page in HTML is the usual case.",
        "Check that the url of the connection kronos is the plain host of the tenant, without -sso and without a path. If it is, \
         report the message with the request id in it.",
    }
    /// Access could not be reached.
    ACCESS_UNREACHABLE = 20 {
        "Workspace ONE Access cannot be reached",
        "Workspace ONE Access did not answer, or answered with a server error or \"too many requests\" every time it was tried.",
        "Check the url of the connection workspace-one (the tenant URL, such as https://acme.workspaceoneaccess.com), the name server and \
         the firewall. The next run tries again by itself.",
    }
    /// Access refused the client.
    ACCESS_CLIENT = 21 {
        "Workspace ONE Access refused the client",
        "Workspace ONE Access does not know the remote app client, its shared secret is another one, or it may not read users and groups.",
        "Check client-id and client-secret of the connection workspace-one. In the Access console, under Settings > OAuth 2.0 Management, \
         the client must be a service client token with the scope admin.",
    }
    /// A group does not exist.
    GROUP_NOT_FOUND = 22 {
        "Group not found",
        "Workspace ONE Access has no group of this name.",
        "Copy the name of the group from the Access console into user-groups or exempt-groups. A comma inside the name is written as \\,.",
    }
    /// A group name is not unique.
    GROUP_AMBIGUOUS = 23 {
        "Several groups have this name",
        "Workspace ONE Access has more than one group of this name, and picking one would be a guess.",
        "Rename one of them, or use another group that holds the same workers.",
    }
    /// A group is empty.
    GROUP_EMPTY = 24 {
        "Group has no members",
        "Workspace ONE Access shows the group, but no members in it. For a group that comes from a directory only the name is synced \
         at first: the console then says \"Not Synced\" beside it, and the group looks empty.",
        "If the group says \"Not Synced\", have its members synced: entitle the group to an app, use it in a policy rule, or turn on \
         \"sync group members when adding group\" and sync the directory. Users whose primary group is not Domain Users never come with a group.",
    }
    /// Access's answer was not understood.
    ACCESS_NOT_UNDERSTOOD = 25 {
        "Workspace ONE Access answered something not understood",
        "The answer of Workspace ONE Access was not in the form it documents.",
        "Check that the url of the connection workspace-one is the tenant URL, without a path. If it is, report the message.",
    }
    /// Storage failed.
    STORAGE_FAILED = 30 {
        "Storage failed",
        "The platform's storage did not take or give the records.",
        "Look at the platform's log and at the disk or the database behind its storage. What was stored before is whole.",
    }
    /// The storage quota is used up.
    STORAGE_FULL = 31 {
        "Storage quota used up",
        "The tenant may not store more.",
        "Raise the tenant's storage quota, or take groups out of user-groups: the next batch then removes the records of their workers.",
    }
    /// The mail server takes no mail.
    MAIL_FAILED = 32 {
        "The mail server takes no mail",
        "The platform's mail server was not reached, or refused the login. Everything else goes on, and failures are mailed to nobody.",
        "Look at the mail settings of the platform (host, port, tls, username and password under smtp), or empty alert-email if no mail is wanted.",
    }
    /// The brake holds the run.
    BRAKE = 40 {
        "The brake holds this run",
        "The run would have taken access from more workers at once than brake-percent allows. Nothing was changed.",
        "Look at a few of the workers in UKG. If they really are off shift, run the batch once with its option release-brake \
         (--set release-brake=true). If they are not, something is wrong with what UKG shows: the employee group of the API user is the first thing to look at.",
    }
    /// The plugin failed.
    PLUGIN_FAILED = 50 {
        "The plugin failed",
        "The plugin stopped with an error of its own (a trap), or went over a limit that the message names. What it had stored until then is whole and true.",
        "Run it again. If it fails again, report it with the run's id and the platform's log.",
    }
    /// The plugin ran out of time.
    PLUGIN_TIME = 51 {
        "The plugin ran out of time",
        "The run took longer than the platform allows and was stopped. What it had stored until then is whole and true.",
        "Raise the time limit of the job, or divide the groups over several tenants. A time system that answers slowly shows in the history.",
    }
    /// The plugin ran out of memory.
    PLUGIN_MEMORY = 52 {
        "The plugin ran out of memory",
        "The run needed more memory than the platform allows and was stopped. What it had stored until then is whole and true.",
        "Raise the memory limit of the tenant. Memory does not grow with the number of workers, so please report it as well.",
    }
    /// Notes were left out of the history.
    NOTES_LEFT_OUT = 53 {
        "Notes were left out",
        "The run made more notes than the platform keeps of one run. The first ones are in the history, and nothing else is missing.",
        "Look at the notes there are: so many have one cause. If all of them are wanted, raise the limit that the message names.",
    }
    /// A schedule was missed.
    SCHEDULE_MISSED = 60 {
        "A schedule was missed",
        "A run was due while the platform was stopped, or while the run before it still went on.",
        "Nothing, if the platform was stopped on purpose: the next run makes up for it. If runs overlap, schedule them further apart.",
    }
    /// An event cannot be read.
    EVENT_NOT_UNDERSTOOD = 61 {
        "Event not understood",
        "An event names no worker, or has a time that cannot be read.",
        "Compare the event with the form in the documentation. If the time system sends another form, map it in the tenant's listener table.",
    }
    /// An event is about nobody known.
    EVENT_NOBODY = 62 {
        "Event about nobody known",
        "An event names a worker who is in none of the configured groups, or whom Kronos does not know.",
        "Nothing, if the worker is not meant to be covered. Else add the worker to one of the groups in user-groups.",
    }
    /// A worker is not in Kronos.
    NOT_IN_KRONOS = 70 {
        "Worker not in Kronos",
        "No person in UKG Pro WFM has this user name, or the API user may not see the person.",
        "The user name must be the same in Workspace ONE Access and in UKG; the report on identities tells what is near. If it is the \
         same, look whether the employee group of the API user covers the person: hidden people are missing without any error. Where \
         the names must differ, pin the user to the person number in the property identities.",
    }
    /// A name is not unique.
    AMBIGUOUS = 71 {
        "Worker is ambiguous",
        "The user name fits several persons in UKG Pro WFM, or several users in Workspace ONE Access.",
        "Where several persons in UKG have the name, give it to one of them only, or pin the user to the right person number in the \
         property identities. Where several users of the directory have it, as in two domains, keep one of them in the groups: no pin \
         tells them apart.",
    }
    /// Kronos failed for one worker.
    KRONOS_WORKER_ERROR = 72 {
        "Kronos error for this worker",
        "UKG Pro WFM answered for the others and gave an error for this worker.",
        "Look the worker up in UKG; the message has UKG's own words. The next run tries again by itself.",
    }
    /// A zone cannot be resolved.
    ZONE_UNKNOWN = 73 {
        "Time zone unknown",
        "A punch or shift has a time zone that nothing translates, so its local time could be any moment.",
        "Add the zone to the property zones, such as \"13411\" = \"America/New_York\", or set default-time-zone.",
    }
    /// A shift is open too long.
    OPEN_TOO_LONG = 74 {
        "Shift open too long",
        "A shift has been open for longer than max-shift-hours. Most likely the worker forgot to clock out.",
        "Have the missing punch added in UKG. If shifts really are this long, raise max-shift-hours.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_number_and_nothing_else_is() {
        for row in CATALOGUE {
            assert_eq!(entry(row.number).map(|found| found.title), Some(row.title));
        }
        assert!(entry(0).is_none() && entry(99).is_none());
    }

    #[test]
    fn the_numbers_ascend_and_are_two_digits() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].number < pair[1].number));
        assert!(CATALOGUE.iter().all(|entry| entry.number < 100));
    }

    #[test]
    fn every_number_of_the_design_is_there() {
        for number in [1, 2, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25, 30, 31, 40, 50, 51, 52, 60, 70, 71, 72, 73, 74] {
            assert!(entry(number).is_some(), "{number}");
        }
    }

    #[test]
    fn every_entry_says_what_happened_and_what_to_do_in_whole_sentences() {
        for entry in CATALOGUE {
            assert!(entry.message.ends_with('.') && entry.remedy.ends_with('.'), "{entry:?}");
            assert!(!entry.title.ends_with('.') && entry.title.len() <= 60, "{entry:?}");
            assert!(!entry.message.contains("  ") && !entry.remedy.contains("  "), "{entry:?}");
        }
    }

    #[test]
    fn a_code_has_its_prefix_and_two_digits() {
        assert_eq!(code(JOBS, USER_GROUPS_MISSING), "HWBS-WS01");
        assert_eq!(code(LISTENER, KRONOS_UNREACHABLE), "HWKR-WS10");
    }

    #[test]
    fn the_markdown_table_has_one_row_an_entry() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), CATALOGUE.len() + 2);
        assert!(table.contains("| `24` | Group has no members |"));
    }
}

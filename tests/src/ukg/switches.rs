//! How the simulated UKG behaves where the fact sheet leaves room, or where tenants differ.

use std::collections::BTreeSet;

/// The switches. The defaults are what the fact sheet holds most likely.
#[derive(Debug, Clone)]
pub struct UkgSwitches {
    /// The app key is required on the token call and on every data call; otherwise it is ignored.
    pub app_key_required: bool,
    /// How logins end.
    pub login: Login,
    /// Whether the classic token endpoint is there.
    pub classic_login: bool,
    /// Whether the endpoint of tenants with Client Management is there.
    pub ukg_login: bool,
    /// `expires_in` in seconds.
    pub token_seconds: u64,
    /// User names match only in the same case.
    pub user_name_case_sensitive: bool,
    /// What happens to people outside the API user's employee group.
    pub hidden_people: HiddenPeople,
    /// The form of a timecard answer in which some workers failed.
    pub partial: Partial,
    /// The form of a people answer in which some values found nobody.
    pub people_partial: PeoplePartial,
    /// A lower limit than UKG's own for every list, for balancers and tenants with less breath.
    pub list_limit: Option<ListLimit>,
    /// The status of `WCO-101207` (more than 1,000 people).
    pub too_many_people_status: u16,
    /// The status of `WTK-145051` (more than 500 timecards).
    pub too_many_timecards_status: u16,
    /// Paths the function access profile refuses with 403.
    pub forbidden: BTreeSet<String>,
    /// Paths of an API family that is not licensed: 403 `WFA-000030`.
    pub unlicensed: BTreeSet<String>,
    /// How an open span and shift show their end.
    pub open_end: OpenEnd,
    /// The end date of a timecard range counts as a day of its own.
    pub end_date_inclusive: bool,
    /// Times carry milliseconds.
    pub milliseconds: bool,
    /// What a Boolean column shows for true and false.
    pub boolean_text: (String, String),
    /// A data provider is over its limit: 200 with `metadata.errors`, and the on-premise columns are missing.
    pub data_provider_over_limit: bool,
    /// Inactive people fail a data read with `WCO-106163`; otherwise they have a row like everyone.
    pub inactive_fails_data_read: bool,
    /// `TK_ON_PREMISE` forgets, at midnight, who came before it.
    pub midnight_ends_on_premise: bool,
    /// What the zone list answers.
    pub zones: ZoneAnswer,
}

impl Default for UkgSwitches {
    fn default() -> Self {
        Self {
            app_key_required: false,
            login: Login::Works,
            classic_login: true,
            ukg_login: true,
            token_seconds: 1799,
            user_name_case_sensitive: false,
            hidden_people: HiddenPeople::Missing,
            partial: Partial::ErrorOffsets,
            people_partial: PeoplePartial::Array207,
            list_limit: None,
            too_many_people_status: 400,
            too_many_timecards_status: 400,
            forbidden: BTreeSet::new(),
            unlicensed: BTreeSet::new(),
            open_end: OpenEnd::Absent,
            end_date_inclusive: false,
            milliseconds: false,
            boolean_text: ("true".to_owned(), "false".to_owned()),
            data_provider_over_limit: false,
            inactive_fails_data_read: false,
            midnight_ends_on_premise: false,
            zones: ZoneAnswer::List,
        }
    }
}

/// How logins with the right credentials end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With a token.
    Works,
    /// The account is locked. The answer is the one for a wrong password.
    Locked,
    /// The password has expired.
    PasswordExpired,
    /// The client may not use this grant.
    GrantNotAllowed,
    /// An `-sso` host: a web page with status 200.
    Html,
    /// An `-sso` host: a redirect to the login page.
    Redirect,
}

/// What happens to people outside the API user's employee group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenPeople {
    /// They are silently missing.
    Missing,
    /// They are errors: `WCO-101263`, in data reads `WCO-106028`.
    Refused,
}

/// The form of a 207 for timecards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// `{errorCode, message, details: {"error-offsets", results: [{success} | {error}]}}`.
    ErrorOffsets,
    /// `[{success} | {error}]`, the older one.
    FlatArray,
}

/// The form of a people answer with failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeoplePartial {
    /// The root array with `error` items, status 207.
    Array207,
    /// The root array with `error` items, status 200.
    Array200,
    /// The wrapper `WCO-101271` with `results`, status 207.
    Wrapper207,
    /// Values that find nobody are left out, status 200.
    Silent,
}

/// A limit on every list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimit {
    /// The longest list that is served.
    pub most: usize,
    /// The status for longer ones: 413, or 504 as a gateway's.
    pub status: u16,
}

/// How an open end shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenEnd {
    /// The property is missing.
    Absent,
    /// The property is null.
    Null,
    /// The end is the start, as of a span of no length.
    SameAsStart,
    /// The end is the world's now.
    Now,
}

/// What `GET /api/v1/commons/setup/timezones` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneAnswer {
    /// The list.
    List,
    /// One object, the API user's own zone.
    Single,
    /// 403.
    Forbidden,
}

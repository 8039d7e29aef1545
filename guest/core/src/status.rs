//! The working status, the reasons for it, and the answers drawn from it: the field's words, and nothing else.

use std::fmt;

/// Declares an enum whose cases have one spelling in every output and in the store.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$case_meta:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$case_meta])* $case,)+ }

        impl $name {
            /// Every case, in the order of the declaration.
            pub const ALL: &'static [$name] = &[$($name::$case),+];

            /// The word used in every output and in the store.
            pub const fn word(self) -> &'static str {
                match self { $($name::$case => $text),+ }
            }

            /// The case with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some($name::$case),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }
    };
}

pub(crate) use words;

words! {
    /// What a worker is doing, as far as the time system shows.
    Status {
        /// Clocked in and working.
        OnShift = "on-shift",
        /// In a shift, between two spans of work.
        OnBreak = "on-break",
        /// Not working.
        OffShift = "off-shift",
        /// The time system gives no answer for this worker.
        Unknown = "unknown",
    }
}

words! {
    /// Why a record has its status (design §5).
    Reason {
        /// Clocked in.
        ClockedIn = "clocked-in",
        /// A span has ended and no new one has begun.
        BetweenSpans = "between-spans",
        /// The break has lasted longer than `max-break-minutes`.
        BreakTooLong = "break-too-long",
        /// A shift is in progress without spans, as for schedule-paid staff.
        ShiftInProgress = "shift-in-progress",
        /// The shift has been open longer than `max-shift-hours`: most likely a forgotten punch.
        OpenTooLong = "open-too-long",
        /// The last shift has ended.
        ClockedOut = "clocked-out",
        /// There are no punches in the window.
        NoPunches = "no-punches",
        /// The user name is not in the time system, or hidden from the API user.
        NotInKronos = "not-in-kronos",
        /// The user name fits several persons or several directory users.
        AmbiguousUser = "ambiguous-user",
        /// The time system answered an error for this worker.
        KronosError = "kronos-error",
        /// A zone reference could not be resolved, so no local time means anything.
        ZoneUnknown = "zone-unknown",
        /// The on-premise flag is true.
        OnPremise = "on-premise",
        /// The on-premise flag is false.
        NotOnPremise = "not-on-premise",
        /// An event said "in" while the time system could not be asked.
        ReportedIn = "reported-in",
        /// An event said "out" while the time system could not be asked.
        ReportedOut = "reported-out",
    }
}

words! {
    /// What decided, where it was not the record's own reason (design §6).
    Verdict {
        /// Within `grace-minutes-after` of the out punch.
        Grace = "grace",
        /// In an exempt group.
        Exempt = "exempt",
        /// The record is older than `freshness-minutes`.
        Stale = "stale",
        /// The record is older than `freshness-minutes` and the time system was not reached.
        Unreachable = "unreachable",
        /// There is no record.
        NoRecord = "no-record",
    }
}

words! {
    /// Where a record's knowledge comes from.
    SourceKind {
        /// A batch read it.
        Batch = "batch",
        /// A look-up of this one worker read it, also when an event was the cause.
        LookUp = "look-up",
        /// An event said it, and the time system could not be asked yet.
        Event = "event",
    }
}

//! When a call is repeated, and how long it waits before that: the rules of `http.wit`.

use std::time::{Duration, SystemTime};

use crate::attempt::{Answer, Call, Repeat, attempt, nanoseconds};
use crate::bindings::exports::shift_access::plugin::http::{Error, Throttle};
use crate::bindings::wasi::clocks::monotonic_clock::wait_for;
use crate::unique::random;

/// How often one call is tried at most.
const TRIES: u32 = 4;
/// How long one call waits in all.
const WAIT: Duration = Duration::from_secs(60);
/// The first wait where the other side names none.
const FIRST: Duration = Duration::from_millis(500);

/// What is left of the waiting time of one request; a login on its behalf takes from it too.
pub struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(WAIT)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Pause {
    For(Duration),
    /// The other side asked for more time than is left.
    TooLong,
    /// No try is left.
    Never,
}

impl Patience {
    fn pause(&mut self, tries: u32, asked: Option<Duration>) -> Pause {
        if !may_try(tries) {
            return Pause::Never;
        }
        // Longer than will ever be waited: the caller learns it now.
        if asked.is_some_and(|asked| asked > self.0) {
            return Pause::TooLong;
        }
        let pause = asked.unwrap_or_else(|| back_off(tries)).min(self.0);
        self.0 = self.0.saturating_sub(pause);
        Pause::For(pause)
    }
}

/// Whether after so many tries one more is allowed.
pub const fn may_try(tries: u32) -> bool {
    tries < TRIES
}

/// Twice as long each time, and up to a half more, so that many callers do not come back at once.
fn back_off(tries: u32) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    let share = u32::try_from(random() % 500).unwrap_or_default();
    doubled.saturating_add(doubled.saturating_mul(share) / 1000)
}

/// The error for an answer that stays "come back later".
pub fn throttled(answer: &Answer, request_id: Option<&str>) -> Error {
    let retry_after_seconds = retry_after(answer).map(seconds);
    Error::Throttled(Throttle { retry_after_seconds, request_id: request_id.and_then(|name| answer.header(name)).map(str::to_owned) })
}

/// Sends a call until there is an answer to hand over. `busy` tells which answers mean "come back later"; one that stays so is
/// returned after the last try.
pub async fn persist(
    call: &Call,
    repeat_safe: bool,
    busy: impl Fn(&Answer) -> bool,
    request_id: Option<&str>,
    patience: &mut Patience,
    tries: &mut u32,
) -> Result<Answer, Error> {
    loop {
        *tries = tries.saturating_add(1);
        let pause = match attempt(call).await {
            Ok(answer) => {
                let busy = busy(&answer);
                // A server's stumble; after a 503 without `Retry-After` or a 504 the first call may still be running.
                if !(busy || repeat_safe && matches!(answer.status, 500 | 502)) {
                    return Ok(answer);
                }
                match patience.pause(*tries, retry_after(&answer)) {
                    Pause::For(pause) => pause,
                    Pause::TooLong if busy => return Err(throttled(&answer, request_id)),
                    Pause::TooLong | Pause::Never => return Ok(answer),
                }
            }
            Err(failure) => {
                if failure.repeat == Repeat::Never || (failure.repeat == Repeat::IfSafe && !repeat_safe) {
                    return Err(failure.error);
                }
                match patience.pause(*tries, None) {
                    Pause::For(pause) => pause,
                    Pause::TooLong | Pause::Never => return Err(failure.error),
                }
            }
        };
        wait_for(nanoseconds(pause)).await;
    }
}

/// Answers that mean "come back later". A 503 that does not say when is not repeated.
pub fn is_busy(answer: &Answer) -> bool {
    answer.status == 429 || (answer.status == 503 && answer.header("retry-after").is_some())
}

/// The header `Retry-After`: seconds, or an HTTP date.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u32 {
    let up = u64::from(duration.subsec_nanos() > 0);
    u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_after_four_tries() {
        let mut patience = Patience::default();
        for (tries, least) in [(1, 500), (2, 1000), (3, 2000)] {
            let Pause::For(pause) = patience.pause(tries, None) else { panic!("no pause after try {tries}") };
            assert!((least..=least * 3 / 2).contains(&pause.as_millis()), "{pause:?}");
        }
        assert_eq!(patience.pause(4, None), Pause::Never);
    }

    #[test]
    fn sixty_seconds_are_waited_in_all() {
        let mut patience = Patience::default();
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(patience.pause(1, asked(61)), Pause::TooLong);
        assert_eq!(patience.pause(1, asked(40)), Pause::For(Duration::from_secs(40)));
        assert_eq!(patience.pause(2, asked(21)), Pause::TooLong);
        assert_eq!(patience.pause(2, asked(20)), Pause::For(Duration::from_secs(20)));
    }

    #[test]
    fn a_503_is_repeated_only_where_it_says_when() {
        let answer = |status, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Answer { status, headers, body: Vec::new() }
        };
        assert!(is_busy(&answer(429, &[])) && is_busy(&answer(503, &[("retry-after", "1")])));
        assert!(!is_busy(&answer(503, &[])) && !is_busy(&answer(500, &[("retry-after", "1")])));
        assert_eq!(retry_after(&answer(429, &[("retry-after", " 7 ")])), Some(Duration::from_secs(7)));
        let past = answer(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
    }
}

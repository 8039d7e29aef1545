//! When a call is repeated, and how long it waits before that.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use tokio::time::sleep;

use super::attempt::{Answer, Call, Repeat, attempt};
use super::message::{HttpError, Throttle};

/// How often one call is tried at most.
const TRIES: u32 = 4;
/// How long one call waits in all.
const WAIT: Duration = Duration::from_secs(60);
/// The first wait where the other side names none.
const FIRST: Duration = Duration::from_millis(500);

/// What is left of the waiting time of one request; a login on its behalf takes from it too.
pub(super) struct Patience {
    left: Duration,
    first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { left: WAIT, first: FIRST }
    }
}

/// What has happened so far, for the history.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) tries: u32,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
}

impl Trace {
    /// Whether one more try is allowed.
    pub(super) fn may_try(&self) -> bool {
        self.tries < TRIES
    }
}

enum Pause {
    For(Duration),
    /// The other side asked for more time than is left.
    TooLong,
    /// No try is left.
    Never,
}

impl Patience {
    fn pause(&mut self, trace: &Trace, asked: Option<Duration>) -> Pause {
        if !trace.may_try() {
            return Pause::Never;
        }
        // Longer than will ever be waited: the caller learns it now.
        if asked.is_some_and(|asked| asked > self.left) {
            return Pause::TooLong;
        }
        let pause = asked.unwrap_or_else(|| back_off(self.first, trace.tries)).min(self.left);
        self.left = self.left.saturating_sub(pause);
        Pause::For(pause)
    }
}

/// Twice as long each time, give or take a quarter, so that many callers do not come back at once.
fn back_off(first: Duration, tries: u32) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    doubled.mul_f64(rand::random_range(0.75..1.25))
}

/// A server's stumble: the call is over, and another may go well. A 503 without `Retry-After` asks not to be repeated, and
/// after a 504 the first call may still be running.
fn may_pass(status: StatusCode) -> bool {
    matches!(status, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY)
}

/// The error for an answer that stays "come back later".
pub(super) fn throttled(answer: &Answer, trace: &Trace) -> HttpError {
    HttpError::Throttled(Throttle { retry_after_seconds: retry_after(answer).map(seconds), request_id: trace.request_id.clone() })
}

/// Sends a call until there is an answer to hand over.
///
/// `busy` tells which answers mean "come back later"; one that stays so is returned after the last try.
pub(super) async fn persist(
    call: &Call,
    repeat_safe: bool,
    busy: impl Fn(&Answer) -> bool,
    request_id_header: Option<&str>,
    patience: &mut Patience,
    trace: &mut Trace,
) -> Result<Answer, HttpError> {
    loop {
        trace.tries = trace.tries.saturating_add(1);
        let pause = match attempt(call).await {
            Ok(answer) => {
                trace.status = Some(answer.status.as_u16());
                trace.request_id = request_id_header.and_then(|name| answer.header(name)).map(str::to_owned);
                let busy = busy(&answer);
                if !(busy || repeat_safe && may_pass(answer.status)) {
                    return Ok(answer);
                }
                match patience.pause(trace, retry_after(&answer)) {
                    Pause::For(pause) => pause,
                    Pause::TooLong if busy => return Err(throttled(&answer, trace)),
                    Pause::TooLong | Pause::Never => return Ok(answer),
                }
            }
            Err(failure) => {
                (trace.status, trace.request_id) = (None, None);
                if failure.repeat == Repeat::Never || (failure.repeat == Repeat::IfSafe && !repeat_safe) {
                    return Err(failure.error);
                }
                match patience.pause(trace, None) {
                    Pause::For(pause) => pause,
                    Pause::TooLong | Pause::Never => return Err(failure.error),
                }
            }
        };
        sleep(pause).await;
    }
}

/// The header `Retry-After`: seconds, or an HTTP date.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}

/// Whole seconds, rounded up.
pub(super) fn seconds(duration: Duration) -> u32 {
    let up = u64::from(duration.subsec_nanos() > 0);
    u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(tries: u32) -> Trace {
        Trace { tries, ..Trace::default() }
    }

    #[test]
    fn waits_double_and_end_after_four_tries() {
        let mut patience = Patience::default();
        for (tries, expected) in [(1, 0.5), (2, 1.0), (3, 2.0)] {
            let Pause::For(pause) = patience.pause(&after(tries), None) else { panic!("no pause after try {tries}") };
            assert!((expected * 0.75..=expected * 1.25).contains(&pause.as_secs_f64()), "{pause:?}");
        }
        assert!(matches!(patience.pause(&after(4), None), Pause::Never));
    }

    #[test]
    fn sixty_seconds_are_waited_in_all() {
        let mut patience = Patience::default();
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert!(matches!(patience.pause(&after(1), asked(61)), Pause::TooLong));
        assert!(matches!(patience.pause(&after(1), asked(40)), Pause::For(pause) if pause.as_secs() == 40));
        assert!(matches!(patience.pause(&after(2), asked(21)), Pause::TooLong));
        assert!(matches!(patience.pause(&after(2), asked(20)), Pause::For(_)));
        assert!(matches!(patience.pause(&after(3), asked(1)), Pause::TooLong));
    }
}

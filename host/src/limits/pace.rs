//! So many of something within a while: a bucket that fills up evenly.

use std::time::{Duration, Instant};

/// Counts what is done, and says when there is room for more. Everything may be done at once where nothing was for the
/// whole span.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    span: Duration,
    /// How much of the span is used up, and when that was so.
    used: Duration,
    at: Instant,
}

impl Pace {
    /// At most so many within a span.
    pub(super) fn new(most: u32, span: Duration, now: Instant) -> Self {
        Self { most, span, used: Duration::ZERO, at: now }
    }

    /// Counts so many of them.
    ///
    /// # Errors
    /// Where they are too many: how long until they are not; `None` for never.
    pub(super) fn take(&mut self, count: u32, now: Instant) -> Result<(), Option<Duration>> {
        if count > self.most {
            return Err(None);
        }
        self.settle(now);
        let cost = self.cost(count);
        match (self.used + cost).checked_sub(self.span) {
            // The span is not a multiple of the cost of one: a nanosecond for each is nothing.
            Some(over) if over > Duration::from_nanos(self.most.into()) => Err(Some(over)),
            _ => {
                self.used += cost;
                Ok(())
            }
        }
    }

    /// Takes back what was counted and not done.
    pub(super) fn give_back(&mut self, count: u32) {
        self.used = self.used.saturating_sub(self.cost(count));
    }

    /// Whether nothing is left of what was counted.
    pub(super) fn is_at_rest(&mut self, now: Instant) -> bool {
        self.settle(now);
        self.used.is_zero()
    }

    fn settle(&mut self, now: Instant) {
        self.used = self.used.saturating_sub(now.saturating_duration_since(self.at));
        self.at = now;
    }

    fn cost(&self, count: u32) -> Duration {
        (self.span / self.most.max(1)).saturating_mul(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let start = Instant::now();
        let mut pace = Pace::new(60, MINUTE, start);
        assert_eq!((0..60).filter(|_| pace.take(1, start).is_ok()).count(), 60);
        assert_eq!(pace.take(1, start), Err(Some(Duration::from_secs(1))));
        assert_eq!(pace.take(1, start + Duration::from_secs(1)), Ok(()));
        assert!(pace.take(1, start + Duration::from_secs(1)).is_err());
        assert!(pace.take(2, start + Duration::from_secs(2)).is_err());
        assert_eq!(pace.take(60, start + 3 * MINUTE), Ok(()));
        assert!(!pace.is_at_rest(start + 3 * MINUTE));
        assert!(pace.is_at_rest(start + 4 * MINUTE));
    }

    #[test]
    fn what_never_fits_is_told_apart_and_none_means_none() {
        let start = Instant::now();
        assert_eq!(Pace::new(5, MINUTE, start).take(6, start), Err(None));
        assert_eq!(Pace::new(0, MINUTE, start).take(1, start), Err(None));
    }

    #[test]
    fn what_was_not_done_is_given_back() {
        let start = Instant::now();
        let mut pace = Pace::new(7, MINUTE, start);
        assert_eq!(pace.take(7, start), Ok(()));
        pace.give_back(1);
        assert_eq!(pace.take(1, start), Ok(()));
        assert!(pace.take(1, start).is_err());
    }
}

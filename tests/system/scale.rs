//! A company of 1,300: no call over a documented limit, few calls, at most four in flight to UKG.

use std::time::Duration;

use chrono::Utc;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{PEOPLE_PATH, TIMECARD_PATH};
use shift_access_tests::world::World;

use crate::{PROGRAM, assert_sums};

#[tokio::test]
async fn thirteen_hundred_workers_need_few_calls_and_none_is_too_long() {
    let (world, tally) = World::company_in(Utc::now(), 1_300, 7, &["Store 12 Hourly", "Store 14 Hourly"]);
    let stage = Stage::new(world, PROGRAM).await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"").unwrap();
    stage.ukg.set_latency(Duration::from_millis(30));
    let run = stage.batch().await.unwrap();
    let counts = &run["counts"];
    assert_sums(counts);
    assert_eq!(counts["members"], 1_300, "{run}");
    assert_eq!(counts["on_shift"], tally.on_shift, "{run}");
    assert_eq!(counts["on_break"], tally.on_break, "{run}");
    assert_eq!(counts["off_shift"], tally.off_shift, "{run}");
    let calls = stage.ukg.calls();
    assert!(calls.longest_list_to(PEOPLE_PATH).unwrap() <= 1_000);
    assert!(calls.longest_list_to(TIMECARD_PATH).unwrap() <= 500);
    assert!((2..=4).contains(&calls.max_in_flight()), "{} in flight", calls.max_in_flight());
    assert!(calls.all().iter().all(|call| call.status.is_none_or(|status| status < 400)), "no call was refused");
    let directory = stage.access.calls().total();
    assert!(directory < 40, "{directory} calls to Access for 1,300 workers");
}

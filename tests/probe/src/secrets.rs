//! What a plugin can see, all in one text: whoever runs the probe knows the secrets, and looks for them.

use crate::bindings::exports::shift_access::plugin::jobs;
use crate::bindings::shift_access::plugin::properties::all;
use crate::http;

/// So many letters of it a line of the report: a history may cut longer ones.
const LINE: usize = 200;

/// Values, the environment, and what comes back of calls.
pub async fn seen() -> Vec<jobs::Step> {
    let environment: Vec<_> = std::env::vars_os().collect();
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut text = format!("{:?} {environment:?} {arguments:?}", all());
    for answer in http::seen().await {
        match answer {
            Ok(answer) => text.push_str(&format!(" {:?} {}", answer.headers, String::from_utf8_lossy(&answer.body))),
            Err(error) => text.push_str(&format!(" {error:?}")),
        }
    }
    let letters: Vec<char> = text.chars().collect();
    let step = |line: &[char]| jobs::Step {
        title: "what a plugin can see".to_owned(),
        outcome: jobs::StepOutcome::Passed,
        detail: line.iter().collect(),
    };
    letters.chunks(LINE).map(step).collect()
}

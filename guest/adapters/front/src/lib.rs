//! An adapter: the plugin's entry points as HTTP routes, for any host that serves the standard handler of WASI 0.3.
//!
//! ```text
//! POST /jobs/JOB                 runs a job to its end; {"options": {…}} if it has any
//! POST /events                   CloudEvents JSON, one or a list; answered when they are dealt with
//! POST /access/v1/evaluation     AuthZEN; /evaluations for many
//! GET  /workers                  records, page after page: ?status=, ?cursor=, ?limit=
//! GET  /healthz                  whether the settings are good; the only one without a token
//! ```
//!
//! Every other request carries `Authorization: Bearer` with the setting `api-token`; without that setting all are refused. The JSON
//! is that of the reference host. It has no schedule, no queue and no history: whoever calls it has them.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;
mod evaluation;
mod events;
mod message;
mod options;
mod ready;
mod routes;
mod runs;
#[path = "../../unique.rs"]
mod unique;
mod wire;
mod workers;

use bindings::exports::wasi::http::handler::Guest;
use bindings::wasi::http::types::{ErrorCode, Request, Response};

struct Front;

impl Guest for Front {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let answer = match message::read(request).await {
            Ok(asked) => routes::answer(asked).await.unwrap_or_else(message::Problem::answer),
            Err(problem) => problem.answer(),
        };
        answer.into_response()
    }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Front with_types_in bindings);

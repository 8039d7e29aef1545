//! A component of the standard kind for HTTP that answers every request with nothing: what a server of such components can do at
//! the most.
#![cfg(target_arch = "wasm32")]

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

struct Hello;

impl Guest for Hello {
    fn handle(_request: IncomingRequest, answer: ResponseOutparam) {
        ResponseOutparam::set(answer, Ok(OutgoingResponse::new(Fields::new())));
    }
}

wasip2::http::proxy::export!(Hello);

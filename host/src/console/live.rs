//! Pieces of a page that change while somebody looks: a stream of HTML for an element with `data-live`.
//!
//! A stream ends after some minutes, or when the host stops; the browser comes back by itself, and is asked again who it is. What a
//! stream asks for does not keep a session alive.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use maud::Markup;

use super::Console;

/// The longest a stream goes on before the browser has to ask again.
const LONGEST: Duration = Duration::from_secs(300);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(3);

/// What a stream sends.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// From now on the element holds this.
    Shows(Markup),
    /// Nothing more changes; the browser goes on to this page, unless it is empty.
    Ends(String),
}

/// Sends each piece as it comes.
pub(crate) fn stream(console: &Console, pieces: impl Stream<Item = Piece> + Send + 'static) -> Response {
    let stop = console.life.stop.clone();
    let over = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LONGEST) => {}
        }
    };
    let events = pieces.take_until(Box::pin(over)).map(|piece| Ok::<_, Infallible>(event(&piece).retry(RETRY)));
    // A proxy is not to wait until it has a page full of events.
    ([("x-accel-buffering", "no")], Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

fn event(piece: &Piece) -> Event {
    match piece {
        // A carriage return would end a line of the stream and nothing else.
        Piece::Shows(markup) => Event::default().data(markup.0.replace('\r', "&#13;")),
        Piece::Ends(page) => Event::default().event("end").data(page),
    }
}

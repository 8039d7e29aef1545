//! Pieces of a page that change while somebody looks: a stream of HTML for an element with `data-live`.
//!
//! A stream ends after some minutes, or when the host stops; the browser comes back by itself, and is asked again who it is. What a
//! stream asks for does not keep a session alive.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
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

/// What is seen of something that goes on.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    /// It looks like this.
    Goes(Markup),
    /// It has ended: what it looks like at last, and the page to go on to, each if there is one.
    Ended(Option<Markup>, String),
}

/// Sends what something looks like whenever that is not as before, until it has ended. Where it cannot be looked at the stream ends,
/// and the browser comes back and asks again.
pub(crate) fn follow<F>(console: &Console, every: Duration, look: impl Fn() -> F + Send + 'static) -> Response
where
    F: Future<Output = Option<Seen>> + Send + 'static,
{
    stream(console, changes(every, look))
}

fn changes<F: Future<Output = Option<Seen>>>(every: Duration, look: impl Fn() -> F) -> impl Stream<Item = Piece> {
    // What is shown: nothing before the first look; and no such state once it has ended.
    let begun = (look, Some(None::<String>));
    let changes = stream::unfold(begun, move |(look, shown)| async move {
        let shown = shown?;
        loop {
            if shown.is_some() {
                tokio::time::sleep(every).await;
            }
            match look().await? {
                Seen::Goes(markup) if shown.as_ref() == Some(&markup.0) => {}
                Seen::Goes(markup) => {
                    let shown = Some(Some(markup.0.clone()));
                    return Some((vec![Piece::Shows(markup)], (look, shown)));
                }
                Seen::Ended(last, page) => {
                    let pieces = last.map(Piece::Shows).into_iter().chain([Piece::Ends(page)]).collect();
                    return Some((pieces, (look, None)));
                }
            }
        }
    });
    changes.flat_map(stream::iter)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use maud::html;

    use super::*;

    #[tokio::test]
    async fn what_looks_as_before_is_not_sent_again_and_nobody_looks_more_often_than_told() {
        let looks = AtomicUsize::new(0);
        let look = || async {
            let goes = |text: &str| Some(Seen::Goes(html! { (text) }));
            match looks.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => goes("a"),
                2 => goes("b"),
                3 => goes("a"),
                _ => Some(Seen::Ended(Some(html! { "c" }), "/console".to_owned())),
            }
        };
        let began = tokio::time::Instant::now();
        let every = Duration::from_millis(2);
        let sent: Vec<_> = changes(every, look).collect().await;
        let told: Vec<_> = sent
            .into_iter()
            .map(|piece| match piece {
                Piece::Shows(markup) => markup.0,
                Piece::Ends(page) => page,
            })
            .collect();
        assert_eq!(told, ["a", "b", "a", "c", "/console"]);
        assert!(began.elapsed() >= every * 4 && looks.into_inner() == 5, "four waits between five looks");
    }

    #[tokio::test]
    async fn what_cannot_be_looked_at_ends_the_stream_and_is_not_told_as_its_end() {
        assert_eq!(changes(Duration::ZERO, || async { None }).count().await, 0);
    }
}

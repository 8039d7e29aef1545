//! Bodies on their way in, which must arrive in time, and on their way out, at whose end the connection rests.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::guest::Guest;

/// The body of a request did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

/// The body of a request, with a limit on how long it may take as a whole.
pub(super) struct InTime {
    body: Incoming,
    limit: Duration,
    /// Set when the body is first waited for: most are there at once and need no timer.
    patience: Option<Pin<Box<Sleep>>>,
    guest: Arc<Guest>,
}

impl InTime {
    /// Limits a body.
    pub(super) fn new(body: Incoming, limit: Duration, guest: Arc<Guest>) -> Self {
        Self { body, limit, patience: None, guest }
    }
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.guest.received();
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        self.guest.receiving();
        let limit = self.limit;
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(limit)));
        if patience.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.guest.too_slow();
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it is dropped, it was handed over whole, or nobody is left to take it.
pub(super) struct Answer {
    body: Body,
    guest: Arc<Guest>,
}

impl Answer {
    /// Watches a body for its end.
    pub(super) fn new(body: Body, guest: Arc<Guest>) -> Self {
        Self { body, guest }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.guest.rests();
    }
}

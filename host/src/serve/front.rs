//! The door: takes connections, and none of them keeps the others waiting.
//!
//! Nothing that a client does, or does not do, is waited for without a limit, and there are never more connections than
//! there is room for. Where the room is used up, whoever asks for nothing has to leave.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerLimits;
use super::body::{Answer, InTime};
use super::guest::{Guest, Guests, Seat};
use super::refusal;
use super::watched::Watched;

/// The longest head of a request, in bytes. It bounds what a connection may hold in memory.
const LONGEST_HEAD: usize = 32 * 1024;

/// How long the door stays shut when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(200);

/// People told at once that there is no room; the others are told nothing.
const TOLD_AT_ONCE: usize = 64;

/// How long somebody who is not let in may take to hear why.
const TELLING: Duration = Duration::from_secs(1);

/// The door. Clones are the same door.
#[derive(Clone)]
pub(super) struct Front {
    router: Router,
    limits: ServerLimits,
    guests: Arc<Guests>,
    told: Arc<Semaphore>,
}

impl Front {
    /// A door that leads to these routes.
    pub(super) fn new(router: Router, limits: ServerLimits) -> Self {
        let guests = Arc::new(Guests::new(limits.connections.max(1)));
        Self { router, limits, guests, told: Arc::new(Semaphore::new(TOLD_AT_ONCE)) }
    }

    /// Takes connections until `stop`, then waits for the requests under way.
    pub(super) async fn receive(self, listener: TcpListener, stop: CancellationToken) {
        let under_way = TaskTracker::new();
        let sweeping = tokio::spawn(self.clone().sweep());
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((socket, peer)) => self.let_in(socket, peer, &under_way),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be taken");
                    self.guests.make_room();
                    tokio::time::sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
        // Who comes now finds nobody, and can try another host at once.
        drop(listener);
        self.guests.dismiss();
        under_way.close();
        under_way.wait().await;
        sweeping.abort();
    }

    /// Ends every connection, whatever it waits for.
    pub(super) fn close(&self) {
        self.guests.close();
    }

    fn let_in(&self, socket: TcpStream, peer: SocketAddr, under_way: &TaskTracker) {
        // Answers are short: to wait for more to send with them would only delay them.
        let _ = socket.set_nodelay(true);
        match self.guests.seat() {
            Some(seat) => {
                under_way.spawn(attend(socket, peer, seat, self.router.clone(), self.limits.body));
            }
            None => self.turn_away(socket),
        }
    }

    fn turn_away(&self, socket: TcpStream) {
        if let Ok(turn) = self.told.clone().try_acquire_owned() {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(TELLING, refusal::turn_away(socket)).await;
                drop(turn);
            });
        }
    }

    async fn sweep(self) {
        let shortest = self.limits.head.min(self.limits.rest).min(self.limits.answer);
        let mut often = tokio::time::interval((shortest / 4).clamp(Duration::from_millis(20), Duration::from_secs(1)));
        loop {
            often.tick().await;
            self.guests.sweep(&self.limits);
        }
    }
}

/// Whether it was the client that gave up: then there is one connection less, and that is all.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

/// Serves one connection to its end.
async fn attend(socket: TcpStream, peer: SocketAddr, seat: Seat, router: Router, body: Duration) {
    let guest = seat.guest.clone();
    let desk = Desk { router: TowerToHyperService::new(router), guest: guest.clone(), peer, body };
    let mut http = http1::Builder::new();
    http.max_buf_size(LONGEST_HEAD).header_read_timeout(None);
    let mut connection = http.serve_connection(Watched::new(socket, guest.clone()), desk);
    loop {
        tokio::select! {
            biased;
            // How a connection breaks is the client's own matter.
            _ = &mut connection => return,
            leaves = guest.is_told_to_leave() => match leaves {
                true => break,
                false => Pin::new(&mut connection).graceful_shutdown(),
            },
        }
    }
    if let Some(why) = guest.parting() {
        refusal::tell(&connection.into_parts().io.into_inner(), why);
    }
}

/// Where the requests of one connection are handed on.
struct Desk {
    router: TowerToHyperService<Router>,
    guest: Arc<Guest>,
    peer: SocketAddr,
    body: Duration,
}

impl Service<Request<Incoming>> for Desk {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guest = self.guest.clone();
        if !guest.begins() {
            return Box::pin(async move { Ok(refusal::no_room().map(|body| Answer::new(body, guest))) });
        }
        let in_time = |body: Incoming| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(InTime::new(body, self.body, guest.clone())),
        };
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = self.router.call(request.map(in_time));
        Box::pin(async move {
            let answer = answer.await?;
            let answer = if guest.was_too_slow() { refusal::too_slow() } else { answer };
            Ok(answer.map(|body| Answer::new(body, guest)))
        })
    }
}

//! Posts over connections that are kept, as fast as they are answered or at a given pace.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use shift_access_tests::benchmark::rounded;
use tokio::net::TcpStream;

/// One post.
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is posted where.
pub(crate) struct Load<'a> {
    pub(crate) url: &'a str,
    pub(crate) connections: usize,
    /// Makes the post of this number.
    pub(crate) post: &'a dyn Fn(u64) -> Post,
}

/// How posts were answered.
#[derive(Serialize)]
pub(crate) struct Answered {
    pub(crate) posts: usize,
    pub(crate) refused: usize,
    pub(crate) a_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// When a load ends, and how fast it goes.
struct Plan<'a> {
    next: AtomicU64,
    most: u64,
    until: Option<Instant>,
    start: Instant,
    /// Posts a second over all connections.
    pace: Option<f64>,
    done: &'a dyn Fn(usize),
}

impl Load<'_> {
    /// For so long; at this many a second, or as fast as answers come.
    pub(crate) async fn for_time(&self, time: Duration, pace: Option<f64>) -> Result<Answered> {
        let start = Instant::now();
        let plan = Plan { next: AtomicU64::new(0), most: u64::MAX, until: Some(start + time), start, pace, done: &|_| {} };
        self.run(&plan).await
    }

    /// So many, as fast as answers come; `looked` is told how many are done.
    pub(crate) async fn so_many(&self, posts: usize, looked: impl FnMut(usize)) -> Result<Answered> {
        let looked = std::cell::RefCell::new(looked);
        let done = |count: usize| (looked.borrow_mut())(count);
        let start = Instant::now();
        let plan = Plan { next: AtomicU64::new(0), most: posts as u64, until: None, start, pace: None, done: &done };
        self.run(&plan).await
    }

    async fn run(&self, plan: &Plan<'_>) -> Result<Answered> {
        let connections = (0..self.connections).map(|_| self.connection(plan));
        let all = try_join_all(connections).await?;
        let time = plan.start.elapsed();
        let refused = all.iter().map(|(_, refused)| refused).sum();
        let mut times: Vec<Duration> = all.into_iter().flat_map(|(times, _)| times).collect();
        times.sort_unstable();
        let at = |share: f64| {
            let place = (times.len() as f64 * share) as usize;
            times.get(place.min(times.len().saturating_sub(1))).map_or(0.0, |time| rounded(time.as_secs_f64() * 1e3, 3))
        };
        Ok(Answered {
            posts: times.len(),
            refused,
            a_second: rounded(times.len() as f64 / time.as_secs_f64(), 1),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
        })
    }

    /// Posts over one connection until the plan ends: how long each answer took, and how many were none to be glad of.
    async fn connection(&self, plan: &Plan<'_>) -> Result<(Vec<Duration>, usize)> {
        let host = self.url.trim_start_matches("http://");
        let mut connection = connect(host).await?;
        let (mut times, mut refused) = (Vec::new(), 0);
        loop {
            let number = plan.next.fetch_add(1, Ordering::Relaxed);
            if number >= plan.most || plan.until.is_some_and(|until| Instant::now() >= until) {
                return Ok((times, refused));
            }
            // What is due is due, however late the answer before was: a slow answer is not hidden by fewer questions.
            let due = plan.pace.map(|pace| plan.start + Duration::from_secs_f64(number as f64 / pace));
            if let Some(due) = due {
                tokio::time::sleep_until(due.into()).await;
            }
            let post = (self.post)(number);
            let begun = due.unwrap_or_else(Instant::now);
            refused += usize::from(!answered(&mut connection, host, post).await?);
            times.push(begun.elapsed());
            (plan.done)(usize::try_from(number)?);
        }
    }
}

async fn connect(host: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(host).await.with_context(|| format!("{host} does not answer"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Whether the answer is a good one.
async fn answered(connection: &mut SendRequest<Full<Bytes>>, host: &str, post: Post) -> Result<bool> {
    let mut request = Request::post(post.path).header("host", host);
    for (name, value) in post.headers {
        request = request.header(name, value);
    }
    connection.ready().await?;
    let answer = connection.send_request(request.body(Full::new(Bytes::from(post.body)))?).await?;
    let good = answer.status().is_success();
    answer.into_body().collect().await?;
    Ok(good)
}

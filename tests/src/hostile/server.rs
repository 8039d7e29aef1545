//! A server that keeps what it is sent word for word, and answers badly where it is asked to: on loopback, without a login.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A page that is never answered.
pub const NEVER: &str = "/never";
/// A page whose answer never ends: a byte comes now and then.
pub const ENDLESS: &str = "/endless";

/// Where a redirect leads: what follows this in the path, without `http://`, or with it.
const REDIRECT: &str = "/redirect/";
const DRIP: Duration = Duration::from_millis(100);

/// The server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Server {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("could not listen")?;
        let (address, heard) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
        let hears = heard.clone();
        let serving = tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                calls.spawn(answer(socket, hears.clone()));
                while calls.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, heard, task: serving.abort_handle() })
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// Never, as it is an address.
    pub fn url<T: std::str::FromStr>(&self) -> Result<T>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        Ok(format!("http://{}", self.address).parse()?)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every head that it was sent so far, with what came along.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call a connection, so that each looks up the name anew.
async fn answer(mut socket: TcpStream, heard: Arc<Mutex<Vec<String>>>) {
    let Some(head) = head(&mut socket).await else { return };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    let answer = match path.as_str() {
        NEVER => return std::future::pending().await,
        ENDLESS => return drip(socket).await,
        _ => match path.strip_prefix(REDIRECT) {
            Some(to) => format!("HTTP/1.1 302 Found\r\nlocation: http://{to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            None => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_owned(),
        },
    };
    let _ = socket.write_all(answer.as_bytes()).await;
    let _ = socket.shutdown().await;
    // What is still on its way is read to its end: else the answer could be lost with it.
    let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
}

/// What is read up to the end of the head.
async fn head(socket: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&read).into_owned())
}

async fn drip(mut socket: TcpStream) {
    let mut sent = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
    while sent.is_ok() {
        tokio::time::sleep(DRIP).await;
        sent = socket.write_all(b".").await;
    }
}

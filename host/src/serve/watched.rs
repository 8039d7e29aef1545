//! A socket that tells its guest what passes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::guest::Guest;

/// A socket, watched.
pub(super) struct Watched {
    socket: TokioIo<TcpStream>,
    guest: Arc<Guest>,
}

impl Watched {
    /// Begins to watch.
    pub(super) fn new(socket: TcpStream, guest: Arc<Guest>) -> Self {
        Self { socket: TokioIo::new(socket), guest }
    }

    /// The socket itself.
    pub(super) fn into_inner(self) -> TcpStream {
        self.socket.into_inner()
    }

    fn socket(&mut self) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.socket)
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.guest.stuck();
        }
        written
    }
}

impl Read for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let read = self.socket().poll_read(cx, buffer);
        // The end of what is sent comes as a read, too; whoever sends no more leaves by itself.
        if read.is_ready() {
            self.guest.heard();
        }
        read
    }
}

impl Write for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.socket().poll_write(cx, bytes);
        self.noted(written)
    }

    /// Called when everything has been written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guest.took();
        self.socket().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = self.socket().poll_write_vectored(cx, parts);
        self.noted(written)
    }
}

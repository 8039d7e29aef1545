//! Requests as they are read, and answers as they are written.

use serde_json::{Value, json};

use crate::bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, Response};
use crate::bindings::{wit_future, wit_stream};

/// Bytes of a request's body.
const LARGEST: usize = 1 << 20;
/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// A request.
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub authorization: Option<Vec<u8>>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

/// A request that cannot be done, in the form of RFC 9457.
#[derive(Debug)]
pub struct Problem {
    pub status: u16,
    pub detail: String,
    pub more: Vec<(&'static str, Value)>,
}

impl Problem {
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), more: Vec::new() }
    }

    pub fn answer(self) -> Answer {
        let mut body = json!({ "type": "about:blank", "status": self.status, "title": title(self.status), "detail": self.detail });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        headers.extend((self.status == 401).then(|| ("www-authenticate", "Bearer".to_owned())));
        Answer { status: self.status, headers, body }
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

impl Answer {
    pub fn json(body: Value) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json".to_owned())], body }
    }

    /// Hands it to the host, which reads the body after this returned.
    pub fn into_response(self) -> Result<Response, ErrorCode> {
        let body = self.body.to_string().into_bytes();
        let bytes = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone().into_bytes());
        let mut headers: Vec<_> = self.headers.iter().map(bytes).collect();
        headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
        let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        let (mut writer, contents) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _) = Response::new(headers, Some(contents), trailers);
        response.set_status_code(self.status).map_err(|()| ErrorCode::InternalError(None))?;
        // Who hung up reads no further; nobody else has to know.
        wit_bindgen::spawn_local(async move { drop(writer.write_all(body).await) });
        Ok(response)
    }
}

/// Reads a request.
pub async fn read(request: Request) -> Result<Asked, Problem> {
    let method = request.get_method();
    let target = request.get_path_with_query().unwrap_or_default();
    let authorization = request.get_headers().get("authorization").into_iter().next();
    let (_, heeded) = wit_future::new(|| Ok(()));
    let (mut contents, end) = Request::consume_body(request, heeded);
    let mut body = Vec::new();
    loop {
        let (how, piece) = contents.read(Vec::with_capacity(PIECE)).await;
        body.extend_from_slice(&piece);
        if body.len() > LARGEST {
            return Err(Problem::new(413, format!("the body has more than {LARGEST} bytes")));
        }
        if !matches!(how, wit_bindgen::StreamResult::Complete(_)) {
            break;
        }
    }
    end.await.map_err(|error| Problem::new(400, format!("the body did not come whole: {error}")))?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Asked { method, path: path.to_owned(), query: query.to_owned(), authorization, body })
}

//! Writes line ends and other people's words where one word of its own belongs.

use crate::Tries;
use crate::bindings::shift_access::plugin::email::{self, Message};
use crate::bindings::shift_access::plugin::http::{self, Error, Field, Request};

/// A request that goes well.
pub fn request() -> Request {
    Request {
        connection: "main".to_owned(),
        method: "GET".to_owned(),
        path: "/page".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
        max_response_bytes: None,
        repeat_safe: false,
    }
}

/// A mail that goes well.
pub fn message() -> Message {
    Message {
        to: vec!["ops@acme.example".to_owned()],
        subject: "Hello".to_owned(),
        text: "Hello.".to_owned(),
        html: None,
        idempotency_key: "hello".to_owned(),
    }
}

fn field(name: &str, value: &str) -> Vec<Field> {
    vec![Field { name: name.to_owned(), value: value.to_owned() }]
}

/// Requests that would be two, or another's, if a line end or a header came through.
pub async fn http(tries: &mut Tries) {
    let mut refused = Vec::new();
    for method in ["GET /evil HTTP/1.1\r\nhost: evil\r\n\r\nGET", "G\nET", "CONNECT", "TRACE", ""] {
        refused.push(Request { method: method.to_owned(), ..request() });
    }
    for path in
        ["/page HTTP/1.1\r\nx-injected: evil\r\n\r\nGET /evil", "/page\nx-injected: evil", "/page\u{0}", "//evil", "@evil/", "/a/../evil"]
    {
        refused.push(Request { path: path.to_owned(), ..request() });
    }
    for value in ["a\r\nx-injected: evil", "a\nx-injected: evil", "a\rx-injected: evil", "a\u{0}b"] {
        refused.push(Request { headers: field("x-mine", value), ..request() });
    }
    for name in
        ["x-mine\r\nx-injected", "x-mine: a\r\nx-injected", "x mine", "", "Host", "Content-Length", "Transfer-Encoding", "Connection"]
    {
        refused.push(Request { headers: field(name, "evil"), ..request() });
    }
    for request in refused {
        let tried = format!("{:?} {:?} {:?}", request.method, request.path, request.headers);
        let answer = http::send(request).await;
        tries.add(tried, matches!(answer, Err(Error::NotGranted(_))), &answer);
    }
    // These come through, and as one word.
    let split = "a HTTP/1.1\r\nx-injected: evil\r\n\r\nGET /evil HTTP/1.1\r\n\r\n";
    let answer = http::send(Request { query: field(split, split), ..request() }).await;
    tries.add("a query", answer.is_ok(), &answer);
    let body = "0\r\n\r\nGET /evil HTTP/1.1\r\nhost: evil\r\n\r\n".as_bytes().to_vec();
    let answer = http::send(Request { method: "POST".to_owned(), body, ..request() }).await;
    tries.add("a body", answer.is_ok(), &answer);
}

/// Mails that would have other recipients, headers or followers if a line end came through.
pub async fn mail(tries: &mut Tries) {
    let mut refused = Vec::new();
    for subject in ["Hello\r\nBcc: all@evil.example", "Hello\nBcc: all@evil.example", "Hello\r\n\r\nevil", "Hello\u{0}"] {
        refused.push(Message { subject: subject.to_owned(), ..message() });
    }
    for to in [
        "ops@acme.example\r\nBcc: all@evil.example",
        "ops@acme.example>\r\nRCPT TO:<all@evil.example",
        "ops@acme.example\nDATA",
        "ops@acme.example, all@evil.example",
        "ops@acme.example all@evil.example",
        "<all@evil.example>ops@acme.example",
        "\"all@evil.example\r\n\" <ops@acme.example>",
        "all@evil.example",
        "",
    ] {
        refused.push(Message { to: vec![to.to_owned()], ..message() });
    }
    for (number, message) in refused.into_iter().enumerate() {
        let tried = format!("{:?} {:?}", message.to, message.subject);
        let answer = email::send(Message { idempotency_key: format!("refused-{number}"), ..message }).await;
        tries.add(tried, matches!(answer, Err(email::Error::Invalid(_) | email::Error::NotGranted(_))), &answer);
    }
    // These come through, and as one mail.
    for (number, end) in ["\r\n.\r\n", "\n.\n", "\r\n.\n", "\r.\r", "\n.\r\n"].into_iter().enumerate() {
        let text = format!("Hello.{end}MAIL FROM:<evil@evil.example>\r\nRCPT TO:<all@evil.example>\r\nDATA\r\nevil{end}");
        let key = format!("smuggled\r\nBcc: all@evil.example-{number}");
        let answer = email::send(Message { html: Some(text.clone()), text, idempotency_key: key, ..message() }).await;
        tries.add(format!("a text with {end:?}"), answer == Ok(email::Receipt::Accepted), &answer);
    }
}

//! Reading a mail: unfolded headers, encoded words, and the plain text behind quoted-printable or base64.
//!
//! Enough to check what a person would read; attachments and character sets other than UTF-8 and its ASCII part are not looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One mail as it came.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body, lines ended by `\n`.
    pub raw: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// Who was logged in.
    pub user: Option<String>,
}

impl Mail {
    /// Every header, unfolded and decoded, in order.
    pub fn headers(&self) -> Vec<(String, String)> {
        headers(split(&self.raw).0)
    }

    /// The first header of this name, whatever its case; empty if there is none.
    pub fn header(&self, name: &str) -> String {
        header(&self.headers(), name)
    }

    /// The subject.
    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    /// The first plain text of the mail, decoded, lines ended by `\n`.
    pub fn text(&self) -> String {
        text(&self.raw).unwrap_or_default()
    }
}

fn split(raw: &str) -> (&str, &str) {
    raw.split_once("\n\n").unwrap_or((raw, ""))
}

fn headers(text: &str) -> Vec<(String, String)> {
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    let fields = unfolded.lines().filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.trim().to_owned(), words(value.trim()))).collect()
}

fn header(headers: &[(String, String)], name: &str) -> String {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The first plain text of a part, looking into parts of parts.
fn text(part: &str) -> Option<String> {
    let (head, body) = split(part);
    let headers = headers(head);
    let media = header(&headers, "Content-Type");
    if media.to_ascii_lowercase().starts_with("multipart/") {
        let (_, rest) = media.split_once("boundary=")?;
        let boundary = rest.trim_start_matches('"').split(['"', ';']).next()?;
        let marker = format!("--{boundary}");
        let parts = body.split(&marker).skip(1).filter(|part| !part.starts_with("--"));
        return parts.filter_map(|part| text(part.trim_start_matches('\n'))).next();
    }
    if !media.is_empty() && !media.to_ascii_lowercase().starts_with("text/plain") {
        return None;
    }
    let decoded = match header(&headers, "Content-Transfer-Encoding").to_ascii_lowercase().as_str() {
        "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?,
        "quoted-printable" => quoted(&body.replace("=\n", "")),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&decoded).replace("\r\n", "\n"))
}

/// Undoes `=XX`.
fn quoted(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits: Option<Vec<u8>> = (byte == b'=').then(|| rest.by_ref().take(2).collect());
        let code = digits.and_then(|digits| u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).ok());
        bytes.push(code.unwrap_or(byte));
    }
    bytes
}

/// Undoes encoded words such as `=?utf-8?b?…?=`. The space between two of them does not count.
fn words(value: &str) -> String {
    let value = value.replace("?= =?", "?==?");
    let (mut bytes, mut rest) = (Vec::new(), value.as_str());
    while let Some((before, after)) = rest.split_once("=?") {
        bytes.extend_from_slice(before.as_bytes());
        match word(after) {
            Some((decoded, behind)) => {
                bytes.extend(decoded);
                rest = behind;
            }
            None => {
                bytes.extend_from_slice(b"=?");
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn word(text: &str) -> Option<(Vec<u8>, &str)> {
    let (_, rest) = text.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, behind) = rest.split_once("?=")?;
    let decoded = match encoding {
        "b" | "B" => STANDARD.decode(content).ok()?,
        "q" | "Q" => quoted(&content.replace('_', " ")),
        _ => return None,
    };
    Some((decoded, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail { from: String::new(), to: Vec::new(), raw: raw.to_owned(), tls: false, user: None }
    }

    #[test]
    fn encoded_words_and_folded_headers() {
        let mail = mail("Subject: =?utf-8?b?R3LDvMOf?=\n =?utf-8?Q?e_=E2=80=93?= now\nX-A: b\n\nhello\n");
        assert_eq!((mail.subject().as_str(), mail.header("x-a").as_str(), mail.text().as_str()), ("Grüße – now", "b", "hello\n"));
    }

    #[test]
    fn the_plain_part_of_several() {
        let mail = mail(
            "Content-Type: multipart/alternative;\n boundary=\"xx\"\n\n--xx\nContent-Type: text/html\n\n<p>\n--xx\nContent-Type: text/plain; \
             charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=\n=C3=9Fe\n--xx--\n",
        );
        assert_eq!(mail.text(), "Grüße\n");
    }
}

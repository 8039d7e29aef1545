//! The door, against signatures that others made: the examples that GitHub, Slack and the Standard Webhooks libraries publish,
//! and otherwise those made here by the same recipe.

use secrecy::{SecretSlice, SecretString};

use super::*;
use crate::config::SignedText;

const NOW: i64 = 1_614_265_330;
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
const GITHUB: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn of(proof: Proof) -> ListenerConfig {
    ListenerConfig { proof, timestamp: None, mapping: None }
}

fn signature() -> SignatureConfig {
    SignatureConfig {
        header: "X-Signature".to_owned(),
        algorithm: SignatureAlgorithm::HmacSha256,
        secrets: vec![SECRET.into()],
        encoding: SignatureEncoding::Hex,
        prefix: String::new(),
        signed: SignedText::body(),
    }
}

fn signing(change: impl FnOnce(&mut SignatureConfig)) -> ListenerConfig {
    let mut config = signature();
    change(&mut config);
    of(Proof::Signature(config))
}

fn try_signature(config: &ListenerConfig, value: &str) -> Result<(), Refused> {
    verify(config, &headers(&[("x-signature", value)]), BODY, now())
}

#[test]
fn a_signature_that_fits_lets_in_and_any_other_does_not() {
    let config = signing(|_| ());
    assert_eq!(try_signature(&config, GITHUB), Ok(()));
    assert_eq!(try_signature(&config, &GITHUB.to_uppercase()), Ok(()));
    let mut flipped = GITHUB.to_owned();
    flipped.replace_range(63.., "6");
    for wrong in ["", "zz", "7", "é", &flipped, &GITHUB[2..], &format!("{GITHUB}00"), &format!("sha256={GITHUB}")] {
        assert_eq!(try_signature(&config, wrong), Err(Refused::Signature), "{wrong}");
    }
    let shown = headers(&[("x-signature", GITHUB)]);
    assert_eq!(verify(&config, &shown, b"Hello, World?", now()), Err(Refused::Signature));
    assert_eq!(verify(&config, &shown, b"", now()), Err(Refused::Signature));
}

#[test]
fn a_header_must_be_there_once() {
    let config = signing(|_| ());
    assert_eq!(verify(&config, &headers(&[]), BODY, now()), Err(Refused::NoHeader("X-Signature".to_owned())));
    let twice = headers(&[("x-signature", GITHUB), ("x-signature", GITHUB)]);
    assert_eq!(verify(&config, &twice, BODY, now()), Err(Refused::HeaderTwice("X-Signature".to_owned())));
    assert_eq!(presents(&config, &headers(&[]), now()), Err(Refused::NoHeader("X-Signature".to_owned())));
    assert_eq!(presents(&config, &headers(&[("x-signature", "no hex")]), now()), Err(Refused::Signature));
    // What only the body can tell is not told before it is read.
    assert_eq!(presents(&config, &headers(&[("x-signature", "00")]), now()), Ok(()));
}

#[test]
fn each_algorithm_prefix_and_encoding_fits() {
    // Made with: printf %s 'Hello, World!' | openssl dgst -ALGORITHM -hmac "It's a Secret to Everybody" [-binary | base64]
    for (algorithm, hex, base64) in [
        (SignatureAlgorithm::HmacSha1, "01dc10d0c83e72ed246219cdd91669667fe2ca59", "AdwQ0Mg+cu0kYhnN2RZpZn/iylk="),
        (SignatureAlgorithm::HmacSha256, GITHUB, "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc="),
        (
            SignatureAlgorithm::HmacSha384,
            "8ae941e23ce94331d5a5986b762bbdb2039fec41c133145da82908f381ba612379307f45738b252be379438ef60839c2",
            "iulB4jzpQzHVpZhrdiu9sgOf7EHBMxRdqCkI84G6YSN5MH9Fc4slK+N5Q472CDnC",
        ),
        (
            SignatureAlgorithm::HmacSha512,
            "11ed355a617e98134e842012a7944ccf59c10256cb182357bd7e3a42013ff07c376f8c14cf5cc1923da20b51d64256b2fb8ebbf100aa67a61326f61fea8111bc",
            "Ee01WmF+mBNOhCASp5RMz1nBAlbLGCNXvX46QgE/8Hw3b4wUz1zBkj2iC1HWQlay+4678QCqZ6YTJvYf6oERvA==",
        ),
    ] {
        let in_hex = signing(|config| (config.algorithm, config.prefix) = (algorithm, "sha=".to_owned()));
        assert_eq!(try_signature(&in_hex, &format!("sha={hex}")), Ok(()), "{algorithm:?}");
        assert_eq!(try_signature(&in_hex, hex), Err(Refused::Signature), "{algorithm:?} without its prefix");
        let in_base64 = signing(|config| (config.algorithm, config.encoding) = (algorithm, SignatureEncoding::Base64));
        let url_safe = base64.replace('+', "-").replace('/', "_");
        for form in [base64, base64.trim_end_matches('='), &url_safe] {
            assert_eq!(try_signature(&in_base64, form), Ok(()), "{algorithm:?} {form}");
        }
        assert_eq!(try_signature(&in_base64, hex), Err(Refused::Signature), "{algorithm:?} in hex");
    }
}

#[test]
fn any_of_several_secrets_fits_wherever_it_stands() {
    for secrets in [["old secret", SECRET], [SECRET, "new secret"]] {
        let config = signing(|config| config.secrets = secrets.map(SecretString::from).to_vec());
        assert_eq!(try_signature(&config, GITHUB), Ok(()));
    }
    let others = signing(|config| config.secrets = vec!["old secret".into(), "new secret".into()]);
    assert_eq!(try_signature(&others, GITHUB), Err(Refused::Signature));
}

/// <https://docs.slack.dev/authentication/verifying-requests-from-slack>
#[test]
fn a_signature_over_timestamp_and_body_fits_as_slack_makes_it() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar\
                &user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com\
                %2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let mut config = signing(|config| {
        config.secrets = vec!["8f742231b10e8888abcd99yyyzzz85a5".into()];
        config.prefix = "v0=".to_owned();
        config.signed = "v0:{timestamp}:{body}".parse().unwrap();
    });
    config.timestamp = Some(TimestampConfig { header: "X-Request-Timestamp".to_owned(), window_seconds: 300 });
    let signature = ("x-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    let moment = DateTime::from_timestamp(1_531_420_618, 0).unwrap();
    let sent = headers(&[signature, ("x-request-timestamp", "1531420618")]);
    assert_eq!(verify(&config, &sent, body.as_bytes(), moment), Ok(()));
    let later = headers(&[signature, ("x-request-timestamp", "1531420619")]);
    assert_eq!(verify(&config, &later, body.as_bytes(), moment), Err(Refused::Signature));
    let untimed = headers(&[signature]);
    assert_eq!(verify(&config, &untimed, body.as_bytes(), moment), Err(Refused::NoHeader("X-Request-Timestamp".to_owned())));
}

#[test]
fn the_window_holds_to_the_second_in_both_directions() {
    let mut config = signing(|_| ());
    config.timestamp = Some(TimestampConfig { header: "X-Timestamp".to_owned(), window_seconds: 300 });
    let tried = |timestamp: &str| {
        let sent = headers(&[("x-signature", GITHUB), ("x-timestamp", timestamp)]);
        assert_eq!(presents(&config, &sent, now()), verify(&config, &sent, BODY, now()), "{timestamp}");
        verify(&config, &sent, BODY, now())
    };
    for (offset, result) in [(0, Ok(())), (-300, Ok(())), (300, Ok(())), (-301, Err(Refused::Older(300))), (301, Err(Refused::Ahead(300)))]
    {
        let moment = now() + TimeDelta::seconds(offset);
        let forms = [
            moment.timestamp().to_string(),
            moment.timestamp_millis().to_string(),
            moment.to_rfc3339(),
            moment.with_timezone(&chrono::FixedOffset::west_opt(4 * 3600).unwrap()).to_rfc3339(),
            httpdate::fmt_http_date(moment.into()),
        ];
        for form in forms {
            assert_eq!(tried(&form), result, "{form}");
        }
    }
    for form in ["", "yesterday", "12.5", "1e9", "2021-02-25T15:02:10", "99999999999999999999"] {
        assert_eq!(tried(form), Err(Refused::NoMoment("X-Timestamp".to_owned())), "{form}");
    }
    assert_eq!(tried("0"), Err(Refused::Older(300)));
    assert_eq!(tried("-9223372036854775808"), Err(Refused::NoMoment("X-Timestamp".to_owned())));
}

/// The example of the reference libraries: <https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries>.
#[test]
fn a_standard_webhook_is_verified_as_its_libraries_do() {
    let key = |text: &str| SecretSlice::from(base64::prelude::BASE64_STANDARD.decode(text).unwrap());
    let ours = key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let config = |keys| of(Proof::StandardWebhooks(StandardWebhooksConfig { keys }));
    let single = config(vec![ours.clone()]);
    let body = br#"{"test": 2432232314}"#;
    let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let tried = |config: &ListenerConfig, id: &str, timestamp: &str, signature: &str| {
        let sent = headers(&[("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]);
        verify(config, &sent, body, now())
    };
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    assert_eq!(tried(&single, id, "1614265330", good), Ok(()));
    let among_others = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,{} {good}", &good[3..]);
    assert_eq!(tried(&single, id, "1614265330", &among_others), Ok(()));
    let rotated = config(vec![key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ours]);
    assert_eq!(tried(&rotated, id, "1614265330", good), Ok(()));

    assert_eq!(tried(&config(vec![key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]), id, "1614265330", good), Err(Refused::Signature));
    assert_eq!(tried(&single, "msg_other", "1614265330", good), Err(Refused::Signature));
    assert_eq!(tried(&single, id, "1614265331", good), Err(Refused::Signature));
    assert_eq!(tried(&single, id, "1614265029", good), Err(Refused::Older(300)));
    assert_eq!(tried(&single, id, "1614265631", good), Err(Refused::Ahead(300)));
    for unreadable in ["", "1614265330.0", "1614265330000000000000"] {
        assert_eq!(tried(&single, id, unreadable, good), Err(Refused::NoMoment("webhook-timestamp".to_owned())));
    }
    for wrong in ["", "v1,", &good[3..], &good.replace("v1,", "v2,"), &good.replace("g0", "g1")] {
        assert_eq!(tried(&single, id, "1614265330", wrong), Err(Refused::Signature), "{wrong}");
    }
    let unnamed = headers(&[("webhook-timestamp", "1614265330"), ("webhook-signature", good)]);
    assert_eq!(presents(&single, &unnamed, now()), Err(Refused::NoHeader("webhook-id".to_owned())));
}

#[test]
fn a_shared_value_is_looked_at_before_the_body() {
    let config =
        of(Proof::Shared(SharedConfig { header: "X-Token".to_owned(), values: vec!["first value".into(), "second value".into()] }));
    let tried = |values: &[(&'static str, &str)]| presents(&config, &headers(values), now());
    assert_eq!(tried(&[("x-token", "first value")]), Ok(()));
    assert_eq!(tried(&[("x-token", "second value")]), Ok(()));
    for wrong in ["", "first", "first value2", "FIRST VALUE"] {
        assert_eq!(tried(&[("x-token", wrong)]), Err(Refused::Shared("X-Token".to_owned())), "{wrong}");
    }
    assert_eq!(tried(&[]), Err(Refused::NoHeader("X-Token".to_owned())));
    assert_eq!(tried(&[("x-token", "first value"), ("x-token", "x")]), Err(Refused::HeaderTwice("X-Token".to_owned())));
}

#[test]
fn a_login_is_looked_at_before_the_body() {
    let config = of(Proof::Basic(BasicConfig { username: "hooks".to_owned(), password: "pass:wörd".into() }));
    let tried = |value: &str| presents(&config, &headers(&[("authorization", value)]), now());
    let login = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    assert_eq!(tried(&format!("Basic {}", login("hooks:pass:wörd"))), Ok(()));
    assert_eq!(tried(&format!("basic  {}", login("hooks:pass:wörd"))), Ok(()));
    for wrong in ["hooks:pass", "Hooks:pass:wörd", "hooks", ""] {
        assert_eq!(tried(&format!("Basic {}", login(wrong))), Err(Refused::Login), "{wrong}");
    }
    for wrong in ["", "Basic", "Basic ", "Basic !!", "Bearer abcdefgh"] {
        assert_eq!(tried(wrong), Err(Refused::Login), "{wrong}");
    }
    assert_eq!(presents(&config, &headers(&[]), now()), Err(Refused::NoLogin));
    assert!(challenge(&config).to_str().unwrap().starts_with("Basic "));
}

#[test]
fn a_refusal_says_what_is_missing_and_nothing_of_the_secret() {
    let every = [
        (Refused::NoHeader("X-Signature".to_owned()), "no header X-Signature"),
        (Refused::Signature, "the signature does not fit"),
        (Refused::Older(300), "the timestamp is older than 300 seconds"),
        (Refused::NoLogin, "no Authorization header"),
    ];
    for (refused, words) in every {
        assert_eq!(refused.to_string(), words);
    }
    let config = signing(|config| config.secrets = vec!["a-certain-secret".into()]);
    let refused = try_signature(&config, GITHUB).unwrap_err();
    assert!(!format!("{refused} {refused:?} {config:?}").contains("a-certain-secret"));
}

//! The listener's table.

use super::*;
use crate::description::EventField;

const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn with_fields() -> Description {
    let field = |name: &str, words: &[&str]| EventField {
        name: name.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..EventField::default()
    };
    let fields = vec![field("who", &[]), field("way", &["in", "out"])];
    Description { listener: Some(ListenerInfo { fields, ..ListenerInfo::default() }), ..pack() }
}

/// The listener's table at line 7, and what is told of it.
fn listener(table: &str) -> (Option<ListenerConfig>, Vec<String>) {
    let file = File::of(format!("{HEAD}{ALPHA}[tenants.acme.listener]\n{table}\n"));
    fs::write(file.0.path().join("key"), format!("{WEBHOOK_SECRET}\n")).unwrap();
    let (config, mut problems) = file.read();
    let (tenant, found) = config.tenants["acme"].resolve(&with_fields(), &env);
    problems.extend(found);
    assert!(!format!("{tenant:?}{problems:?}").contains("hush"), "{problems:?}");
    let short = |told: String| told.replace("tenants.acme.listener", "L");
    (tenant.listener, told(&problems).into_iter().map(short).collect())
}

fn good(table: &str) -> ListenerConfig {
    let (config, told) = listener(table);
    assert_eq!(told, Vec::<String>::new(), "{table}");
    config.unwrap()
}

#[test]
fn a_signature_has_its_defaults_and_every_key() {
    let Proof::Signature(small) =
        good("signature = { header = \"X-Signature\", algorithm = \"HMAC-SHA256\", secret = { env = \"PW\" } }").proof
    else {
        panic!("no signature")
    };
    assert_eq!((small.algorithm, small.encoding, small.prefix.as_str()), (SignatureAlgorithm::HmacSha256, SignatureEncoding::Hex, ""));
    assert_eq!(small.signed, SignedText::body());

    let full = good(
        "signature = { header = \"X-Sig\", algorithm = \"hmac-sha512\", secrets = [{ env = \"PW\" }, { file = \"key\" }], \
         encoding = \"base64\", prefix = \"v0=\", signed = \"v0:{timestamp}:{body}\" }\n\
         timestamp = { header = \"X-Time\", window-seconds = 60 }",
    );
    let Proof::Signature(signature) = full.proof else { panic!("no signature") };
    let secrets: Vec<_> = signature.secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(secrets, ["hush-hush", WEBHOOK_SECRET]);
    assert_eq!((signature.algorithm, signature.encoding), (SignatureAlgorithm::HmacSha512, SignatureEncoding::Base64));
    let text = |text: &str| Part::Text(text.to_owned());
    assert_eq!(signature.signed.parts(), [text("v0:"), Part::Timestamp, text(":"), Part::Body]);
    assert_eq!(signature.signed.to_string(), "v0:{timestamp}:{body}");
    assert_eq!(full.timestamp, Some(TimestampConfig { header: "X-Time".to_owned(), window_seconds: 60 }));
    assert_eq!(full.mapping, None);
}

#[test]
fn the_other_ways_of_proof_are_read() {
    let Proof::StandardWebhooks(webhooks) = good("standard-webhooks = { secret = { file = \"key\" } }").proof else { panic!("another") };
    assert_eq!((webhooks.keys.len(), webhooks.keys[0].expose_secret().len()), (1, 24));
    let Proof::Shared(shared) = good("shared = { header = \"X-Token\", values = [{ env = \"PW\" }] }").proof else { panic!("another") };
    assert_eq!((shared.header.as_str(), shared.values[0].expose_secret()), ("X-Token", "hush-hush"));
    let Proof::Basic(basic) = good("basic = { username = \"hooks\", password = { env = \"PW\" } }").proof else { panic!("another") };
    assert_eq!((basic.username.as_str(), basic.password.expose_secret()), ("hooks", "hush-hush"));
}

#[test]
fn one_way_of_proof_is_asked_for_and_no_more() {
    let (config, told) = listener("");
    assert_eq!(told, ["error 7 L.signature: is missing"]);
    assert!(config.is_none());
    let (_, told) =
        listener("basic = { username = \"a:b\", password = { env = \"PW\" } }\nshared = { header = \"é\", value = { env = \"NONE\" } }");
    assert_eq!(
        told,
        [
            "error 8 L.basic: there is shared already",
            "error 8 L.basic.username: holds a colon, which ends a user name",
            "error 9 L.shared.header: `é` is no header name",
            "error 9 L.shared.value: the environment variable NONE is not set",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_proof_is_told_at_its_key() {
    let signature = |rest: &str| format!("signature = {{ header = \"X\", algorithm = \"hmac-sha256\", {rest} }}");
    let secret = "secret = { env = \"PW\" }";
    for (table, wanted) in [
        (signature(""), vec!["error 8 L.signature.secret: is missing"]),
        (
            signature("secret = { env = \"PW\" }, secrets = [{ env = \"PW\" }]"),
            vec!["error 8 L.signature.secrets: there is secret already"],
        ),
        (signature("secrets = []"), vec!["error 8 L.signature.secrets: is empty"]),
        (signature("secrets = { env = \"PW\" }"), vec!["error 8 L.signature.secrets: is a table, not a list"]),
        (
            signature("secrets = [{ env = \"PW\" }, { env = \"NONE\" }]"),
            vec!["error 8 L.signature.secrets[2]: the environment variable NONE is not set"],
        ),
        (
            signature("secrets = [\"hush-hush-hush\"]"),
            vec!["warning 8 L.signature.secrets[1]: the secret stands in the configuration in plain text"],
        ),
        (signature(&format!("{secret}, encoding = \"HEX\"")), vec!["error 8 L.signature.encoding: the encoding `HEX` is not known"]),
        (
            signature(&format!("{secret}, signed = \"{{id}}.{{body}}\"")),
            vec!["error 8 L.signature.signed: holds `{id}.{body}`, which stands for nothing"],
        ),
        (signature(&format!("{secret}, signed = \"x\"")), vec!["error 8 L.signature.signed: does not hold {body} exactly once"]),
        (
            signature(&format!("{secret}, signed = \"{{body}}{{body}}\"")),
            vec!["error 8 L.signature.signed: does not hold {body} exactly once"],
        ),
        (
            signature(&format!("{secret}, signed = \"{{timestamp}}.{{body}}\"")),
            vec!["error 8 L.signature.signed: holds {timestamp}, and no header is configured that tells it"],
        ),
        (signature(&format!("{secret}, prefixes = 1")), vec!["error 8 L.signature.prefixes: unknown key"]),
        (
            format!("signature = {{ header = \"X\", algorithm = \"hmac-sha1\", {secret} }}"),
            vec!["warning 8 L.signature.algorithm: hmac-sha1 is weak"],
        ),
        (
            "standard-webhooks = { secret = { env = \"PW\" } }".to_owned(),
            vec!["error 8 L.standard-webhooks.secret: is no secret of Standard Webhooks"],
        ),
        (
            "standard-webhooks = { secrets = [{ file = \"key\" }, \"whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"] }".to_owned(),
            vec![
                "warning 8 L.standard-webhooks.secrets[2]: the secret stands in the configuration in plain text",
                "error 8 L.standard-webhooks.secrets[2]: is a key of an asymmetric signature, which is not understood",
            ],
        ),
        ("basic = { username = \"hooks\" }".to_owned(), vec!["error 8 L.basic.password: is missing"]),
        ("shared = \"hush-hush\"".to_owned(), vec!["error 8 L.shared: is a text, not a table"]),
    ] {
        let (_, told) = listener(&table);
        assert_eq!(told, wanted, "{table}");
    }
}

#[test]
fn a_timestamp_that_proves_nothing_is_told() {
    let signature = "signature = { header = \"X\", algorithm = \"hmac-sha256\", secret = { env = \"PW\" } }";
    for (table, wanted) in [
        (
            format!("{signature}\ntimestamp = {{ header = \"X-Time\" }}"),
            "warning 9 L.timestamp: the signature does not cover the timestamp",
        ),
        (format!("{signature}\ntimestamp = {{ window-seconds = 60 }}"), "error 9 L.timestamp.header: is missing"),
        (
            "shared = { header = \"X\", value = { env = \"PW\" } }\ntimestamp = { header = \"T\", window-seconds = 0 }".to_owned(),
            "error 9 L.timestamp.window-seconds: 0 is below 1",
        ),
        (
            "standard-webhooks = { secret = { file = \"key\" } }\ntimestamp = { header = \"T\" }".to_owned(),
            "error 9 L.timestamp: is not used with standard-webhooks",
        ),
    ] {
        let (_, told) = listener(&table);
        assert!(told.contains(&wanted.to_owned()), "{table}: {told:?}");
    }
}

const SHARED: &str = "shared = { header = \"X-Token\", value = { env = \"PW\" } }";

#[test]
fn another_form_is_mapped_by_pointers() {
    let config = good(&format!(
        "{SHARED}\nevents = \"/records\"\n[tenants.acme.listener.fields]\nid = \"/EventId\"\nwho = \"/Payload/a~1b\"\nway = \"/Payload/Kind\"\n\
         [tenants.acme.listener.words]\nway = {{ IN_PUNCH = \"in\", \"2\" = \"out\" }}"
    ));
    let mapping = config.mapping.unwrap();
    assert_eq!(mapping.events.as_ref().map(ToString::to_string).as_deref(), Some("/records"));
    let fields: Vec<_> = mapping.fields.iter().map(|(name, pointer)| format!("{name} {pointer}")).collect();
    assert_eq!(fields, ["id /EventId", "way /Payload/Kind", "who /Payload/a~1b"]);
    assert_eq!(mapping.words["way"]["2"], "out");
    assert_eq!(good(&format!("{SHARED}\nevents = \"/records\"")).mapping.unwrap().fields.len(), 0);
}

#[test]
fn what_the_pack_does_not_know_is_told_with_what_it_knows() {
    let (_, told) = listener(&format!(
        "{SHARED}\nevents = \"records\"\n[tenants.acme.listener.fields]\nid = \"/a~2\"\nwhom = \"/Person\"\nwho = 1\nway = \"/Kind\"\n\
         [tenants.acme.listener.words]\nway = {{ A = \"inn\", B = 2 }}\nwhen = {{ A = \"in\" }}"
    ));
    assert_eq!(
        told,
        [
            "error 9 L.events: `records` does not begin with a slash",
            "error 11 L.fields.id: `/a~2` has a `~` that is not followed by 0 or 1",
            "error 13 L.fields.who: is a number, not a text",
            "error 16 L.words.way.B: is a number, not a text",
            "error 17 L.words.when: is not among the fields",
            "error 12 L.fields.whom: unknown field",
            "error 16 L.words.way.A: `inn` is no word of way",
        ]
    );
    let file = File::of(format!("{HEAD}{ALPHA}[tenants.acme.listener]\n{SHARED}\nfields = {{ whom = \"/a\" }}\n"));
    let (config, _) = file.read();
    let (_, problems) = config.tenants["acme"].resolve(&with_fields(), &env);
    assert_eq!(problems[0].remedy, "write one of: id, type, time, who, way");
}

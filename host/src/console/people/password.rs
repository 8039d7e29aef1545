//! Passwords: which ones are taken, and their hashes by Argon2id.
//!
//! The parameters are those that OWASP names first for this little memory (Password Storage Cheat Sheet: 19 MiB, two rounds, one
//! lane). A hash takes some hundredth of a second of one processor, so it is made on a thread that may block, few at once: a crowd
//! at the door must not keep decisions from being answered.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub(crate) const SHORTEST: usize = 12;
/// The most bytes of one.
pub(crate) const LONGEST: usize = 1_024;

/// Hashes at once.
const AT_ONCE: usize = 2;
const SALT_BYTES: usize = 16;
const MEMORY_KIB: u32 = 19 * 1_024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;

/// Why a password is not taken, or could not be hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// It is too short.
    #[error("a password has at least {SHORTEST} characters: several words in a row are good")]
    Short,
    /// It is too long.
    #[error("a password has at most {LONGEST} bytes")]
    Long,
    /// It is what everybody would try first.
    #[error("the name of the person is no password")]
    Name,
    /// It was typed twice, in two ways.
    #[error("the two passwords differ")]
    Differs,
    /// The machine could not do it.
    #[error("the password could not be hashed: {0}")]
    Machine(String),
}

/// Makes and checks hashes. Clones share the room there is for it.
#[derive(Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash of a new password.
    ///
    /// # Errors
    /// When it is not taken.
    pub(crate) async fn hash(&self, name: &str, password: SecretString) -> Result<String, PasswordError> {
        check(name, password.expose_secret())?;
        self.in_turn(move || hash(password.expose_secret())).await?
    }

    /// Whether this is the password of the hash. Without a hash it is not, and takes as long: the time tells nobody whether
    /// there is somebody of a name.
    ///
    /// # Errors
    /// When the machine fails.
    pub(crate) async fn verify(&self, kept: Option<String>, password: SecretString) -> Result<bool, PasswordError> {
        if password.expose_secret().len() > LONGEST {
            return Ok(false);
        }
        self.in_turn(move || match kept {
            Some(kept) => Ok(verify(&kept, password.expose_secret())),
            None => hash(password.expose_secret()).map(|_| false),
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let machine = |error: &dyn std::fmt::Display| PasswordError::Machine(error.to_string());
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| machine(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Given back when the work is over, also if nobody waits for it any more.
            drop(turn);
            done
        });
        done.await.map_err(|error| machine(&error))
    }
}

fn check(name: &str, password: &str) -> Result<(), PasswordError> {
    match password {
        _ if password.len() > LONGEST => Err(PasswordError::Long),
        _ if password.chars().count() < SHORTEST => Err(PasswordError::Short),
        _ if password.eq_ignore_ascii_case(name) => Err(PasswordError::Name),
        _ => Ok(()),
    }
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let machine = |error: &dyn std::fmt::Display| PasswordError::Machine(error.to_string());
    let mut salt = [0; SALT_BYTES];
    OsRng.try_fill_bytes(&mut salt).map_err(|error| machine(&error))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| machine(&error))?;
    let params = Params::new(MEMORY_KIB, ROUNDS, LANES, None).map_err(|error| machine(&error))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(|error| machine(&error))
}

/// By the parameters that stand in the hash, so that others may be chosen one day.
fn verify(kept: &str, password: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let passwords = Passwords::default();
        let secret = |text: &str| SecretString::from(text.to_owned());
        let hash = passwords.hash("ana", secret("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Some(hash.clone()), secret("correct horse battery")).await.unwrap());
        for wrong in ["correct horse batterz", "", "Correct horse battery", "correct horse battery ", &"a".repeat(100_000)] {
            assert!(!passwords.verify(Some(hash.clone()), secret(wrong)).await.unwrap(), "{wrong}");
        }
        assert!(!passwords.verify(None, secret("correct horse battery")).await.unwrap());
        assert!(!passwords.verify(Some("no hash".to_owned()), secret("no hash")).await.unwrap());
        assert_ne!(hash, passwords.hash("ana", secret("correct horse battery")).await.unwrap(), "one salt a hash");
    }

    #[test]
    fn what_is_soon_guessed_is_not_taken() {
        assert!(matches!(check("ana", "elevenchars"), Err(PasswordError::Short)));
        assert!(matches!(check("ana", &"a".repeat(LONGEST + 1)), Err(PasswordError::Long)));
        assert!(matches!(check("ana@acme.example", "Ana@Acme.Example"), Err(PasswordError::Name)));
        assert!(check("ana", "zwölf Zeichen").is_ok());
    }
}

//! A mailer that another one can take the place of.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::{Mail, MailError, Mailer};

/// Hands messages to whichever mailer was given last.
pub(crate) struct Exchangeable(RwLock<Arc<dyn Mailer>>);

impl Exchangeable {
    /// Begins with this one.
    pub(crate) fn new(mailer: impl Mailer + 'static) -> Self {
        Self(RwLock::new(Arc::new(mailer)))
    }

    /// Goes on with another one. A message that is on its way goes on with the one before.
    pub(crate) fn exchange(&self, mailer: impl Mailer + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(mailer);
    }

    fn now(&self) -> Arc<dyn Mailer> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Mailer for Exchangeable {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.now().send(mail).await
    }

    async fn reach(&self) -> Result<(), MailError> {
        self.now().reach().await
    }
}

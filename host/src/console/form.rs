//! What a form posts.

use axum::Form;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::Console;
use super::problem::Problem;

/// The field that holds the token of forms.
pub(super) const TOKEN: &str = "form-token";

/// The most bytes of a form.
pub(super) const LONGEST: usize = 1 << 20;

/// The fields of a form, by their names.
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Console> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Problem> {
        match Form::<T>::from_request(request, console).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(error) => {
                Err(Problem::bad_request(format!("The form came incomplete: {error}."), "Go back, reload the page and send it again."))
            }
        }
    }
}

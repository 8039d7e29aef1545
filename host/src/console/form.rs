//! What a form posts.

use axum::Form;
use axum::extract::{FromRequest, Request};
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Console;
use super::problem::Problem;

/// The field that holds the token of forms.
pub(super) const TOKEN: &str = "form-token";

/// The most bytes of a form.
pub(super) const LONGEST: usize = 1 << 20;

/// What was posted, in order, where the names of the fields are not known beforehand.
pub(crate) type Posted = Vec<(String, String)>;

/// The box that is ticked before something goes for good.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Sure {
    #[serde(default)]
    sure: Option<String>,
}

impl Sure {
    /// Whether it was ticked.
    pub(crate) fn is_ticked(&self) -> bool {
        self.sure.is_some()
    }

    /// The box, with what it says.
    pub(crate) fn ask(says: &Markup) -> Markup {
        html! { p .check { input #sure type="checkbox" name="sure" value="yes" required; " " label for="sure" { (says) } } }
    }
}

/// The first field of this name.
pub(crate) fn given<'p>(posted: &'p Posted, key: &str) -> Option<&'p str> {
    posted.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
}

/// What stands in a field that may be left empty.
pub(crate) fn filled(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

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

//! What fuzz targets call. Each takes any bytes, and panics where what was read from them does not hold.

use crate::inbox::envelope::law;

/// The reader of what webhooks bring.
pub fn envelope(input: &[u8]) {
    law::check(input);
}

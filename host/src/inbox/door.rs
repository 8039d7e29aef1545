//! Who may bring events: the proof that goes with the raw bytes of a body.

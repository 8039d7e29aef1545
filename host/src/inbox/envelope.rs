//! What is brought: a body of any form an event comes in, as CloudEvents of one form.

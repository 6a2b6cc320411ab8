//! What a session does otherwise than a message needs, for who wants to see
//! what a server makes of it.

/// How a session is steered. The default steers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steering {}

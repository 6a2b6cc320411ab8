//! envoi

//! Telling customers and other systems.

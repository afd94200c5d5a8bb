//! Old fights beside a live one.

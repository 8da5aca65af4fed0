extern crate std;
use std::{string::ToString, vec::Vec};

use super::*;

#[test]
fn an_isa_is_told_by_its_name() {
    for isa in Isa::available() {
        assert_eq!(isa.to_string().parse(), Ok(isa));
        assert_eq!(std::format!("{isa:?}"), std::format!("Isa({})", isa.name()));
    }
    let all: std::collections::HashSet<Isa> = Isa::available().chain(Isa::available()).collect();
    assert_eq!(all.len(), Isa::available().count());
    assert_eq!("abacus".parse::<Isa>(), Err(IsaError::Unknown));
}

#[test]
fn errors_advise_what_is_here_and_nothing_else() {
    let here: Vec<&str> = Isa::available().map(Isa::name).collect();
    for error in [IsaError::Unknown, IsaError::NotHere] {
        let message = error.to_string();
        let (_, advised) = message.split_once(": ").and_then(|(_, advice)| advice.split_once(": ")).unwrap();
        assert!(advised.split(' ').eq(here.iter().copied()), "{message}");
    }
}

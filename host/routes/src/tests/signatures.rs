//! Whose signatures are trusted, and which plugins must have one.

use wasmill_model::routes::SignaturesRequired;

use super::{good, problems, with};

const KEYS: &str = "[signatures.keys]\ncarol = \"00ff0000000000000000000000000000000000000000000000000000000000Aa\"\n";

#[test]
fn keys_are_read_with_what_must_be_signed() {
    let signatures = |rest: &str| good(&with(&format!("[signatures]\n{rest}\n{KEYS}"))).signatures;
    let read = signatures("");
    assert_eq!(read.required, SignaturesRequired::OfNone);
    let key = read.keys["carol"];
    assert_eq!((key[0], key[1], key[31]), (0, 0xff, 0xaa));
    let all = signatures("required = true");
    assert!(all.are_required_of("order"));
    let some = signatures("required = [\"order\"]");
    assert!(some.are_required_of("order") && !some.are_required_of("stock"));
}

#[test]
fn what_is_no_key_and_a_signature_that_nobody_could_make_are_problems() {
    for (rest, what) in [
        (
            "[signatures]\nrequired = true",
            "`signatures.required` needs a key",
        ),
        (
            "[signatures.keys]\ncarol = \"abc\"",
            "`signatures.keys.carol` is no public key: that is 64 hexadecimal digits",
        ),
        ("[signatures]\nrequired = 1", "must be true or false"),
        (
            "[signatures.keys]\n\"a b\" = \"00\"",
            "cannot name a key: it has 1 to 64",
        ),
    ] {
        let problems = problems(&with(rest));
        let told = problems.iter().any(|problem| problem.contains(what));
        assert!(told, "no {what:?} in {problems:?}");
    }
}

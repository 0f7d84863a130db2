//! Ingress and query routes: their fields, paths and keys.

use super::{good, ingress, refused, with};

#[test]
fn ingress_routes_are_checked_field_by_field() {
    let cases = [
        (
            "gate = \"order\"\nkey = \"/a\"",
            "line 13, column 7: `ingress[1].key` has no meaning beside `gate`, which makes the key; remove one of the two",
        ),
        (
            "gate = \"order\"\ndedup_id = \"/a\"",
            "line 13, column 12: `ingress[1].dedup_id` has no meaning beside `gate`, which makes the id; remove one of the two",
        ),
        (
            "dedup_id = \"path:ids\"",
            "line 12, column 12: `ingress[1].dedup_id` uses the parameter `ids`, which the path does not have; did you mean `id`?",
        ),
        (
            "key = \"path:ids\"",
            "line 12, column 7: `ingress[1].key` uses the parameter `ids`, which the path does not have; did you mean `id`?",
        ),
        (
            "key = \"header:a b\"",
            "line 12, column 7: `ingress[1].key` names the header `a b`, which no HTTP header can be called",
        ),
        (
            "key = \"id\"",
            "line 12, column 7: `ingress[1].key` is `id`, but a JSON Pointer begins with `/`, as `/order_id`; or write `path:NAME` or `header:NAME`",
        ),
        (
            "dedup_window = \"31d\"",
            "line 12, column 16: `ingress[1].dedup_window` is 31d, which is not from 1s to 30days",
        ),
        (
            "body_bytes_max = \"5MiB\"",
            "line 12, column 18: `ingress[1].body_bytes_max` is 5MiB, which is not from 1 byte to 4 MiB",
        ),
        (
            "answer = 201",
            "line 12, column 10: `ingress[1].answer` is 201, but must be 202 or 200",
        ),
        (
            "wait_for = [\"order.payed\"]",
            "line 12, column 13: `ingress[1].wait_for[1]` is `order.payed`, which is not declared in [topics]; did you mean `order.placed`?",
        ),
        (
            "gate = \"o\"\nquery = \"/orders/{key}\"",
            "line 13, column 9: `ingress[1].query` answers requests that wait, so `wait_for` must name the topics to wait for",
        ),
        (
            "gate = \"o\"\nwait_for = [\"order.placed\"]\nquery = \"/users/{key}\"",
            "line 14, column 9: `ingress[1].query` is `/users/{key}`, which no [[query]] answers; add one or correct it",
        ),
        (
            "gate = \"o\"\nwait_for = [\"order.placed\"]\nquery = \"/orders/{id}\"",
            "line 14, column 9: `ingress[1].query` is `/orders/{id}`, but only `{key}`, the message's key, can be put in",
        ),
        (
            "wait_for = [\"order.placed\"]\nquery = \"/orders/{key}\"",
            "line 13, column 9: `ingress[1].query` uses `{key}`, but the message has none; add `gate` or `key`",
        ),
    ];
    for (lines, expected) in cases {
        refused(&ingress(lines), expected);
    }
}

#[test]
fn paths_that_requests_could_not_tell_apart_are_refused() {
    let twice = ingress("")
        + "[[ingress]]\nmethod = \"POST\"\npath = \"/orders/{x}/pay\"\ntopic = \"order.placed\"\n";
    refused(
        &twice,
        "line 15, column 8: `ingress[2].path` is `/orders/{x}/pay`, which matches the same requests as `/orders/{id}/pay` of line 10",
    );
    // Another method, and another end, are other routes.
    good(&with(&twice.replacen("POST", "PUT", 1)));
    good(&with(&twice.replace("{x}/pay", "{x}")));
}

#[test]
fn paths_are_plain_segments_and_parameters() {
    let cases = [
        (
            "/a//b",
            "is `/a//b`, which has an empty segment; remove the extra `/`",
        ),
        (
            "/a/",
            "is `/a/`, which has an empty segment; remove the extra `/`",
        ),
        (
            "/a?b",
            "is `/a?b`, whose segment `a?b` is neither plain text nor one `{parameter}`",
        ),
        (
            "/{a}-{b}",
            "is `/{a}-{b}`, whose parameter `a}-{b` is not of letters, digits and `_`",
        ),
        (
            "/x{a}",
            "is `/x{a}`, whose segment `x{a}` is neither plain text nor one `{parameter}`",
        ),
        (
            "/{*a}",
            "is `/{*a}`, whose parameter `*a` is not of letters, digits and `_`",
        ),
        (
            "/{a}/{a}",
            "is `/{a}/{a}`, which has the parameter `a` twice",
        ),
        (
            "/../a",
            "is `/../a`, whose segment `..` no client would send",
        ),
        (
            "/metrics",
            "is `/metrics`, which the host itself answers; choose another path",
        ),
    ];
    for (path, expected) in cases {
        let rest = format!("[[query]]\nplugin = \"order\"\nkey = \"k\"\npath = \"{path}\"\n");
        refused(
            &rest,
            &format!("line 11, column 8: `query[2].path` {expected}"),
        );
    }
}

#[test]
fn key_templates_use_what_the_path_has() {
    let cases = [
        (
            "{nam}",
            "uses the parameter `nam`, which the path does not have; did you mean `name`?",
        ),
        ("{name", "is `{name`, whose braces do not match"),
        ("name}", "is `name}`, whose braces do not match"),
        ("{}", "is `{}`, whose braces hold no parameter's name"),
        ("", "is empty, but a query asks about a key"),
    ];
    for (key, expected) in cases {
        let rest =
            format!("[[query]]\nplugin = \"order\"\npath = \"/{{name}}\"\nkey = \"{key}\"\n");
        refused(
            &rest,
            &format!("line 11, column 7: `query[2].key` {expected}"),
        );
    }
}

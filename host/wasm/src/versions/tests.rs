//! What becomes of a plugin's record.

mod stored;
mod text;

use wasmill_component::{Capabilities, Manifest};
use wasmill_model::Millis;
use wasmill_model::routes::Grants;
use wasmill_port::plugins::ActError;

use super::record::{About, Came, Hold, Judged, Kept, Record};

fn manifest(hosts: &[&str], state_version: u32) -> Manifest {
    let capabilities = Capabilities {
        http: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..Capabilities::default()
    };
    Manifest {
        name: "plugin".to_owned(),
        version: "1".to_owned(),
        language: None,
        description: None,
        capabilities,
        routes: None,
        state_version,
    }
}

/// A version whose hash is its name eight times.
fn version(name: char, manifest: Option<Manifest>) -> Kept {
    let mut version = Kept::new(hash(name), 1, Millis(0));
    version.learn(About {
        manifest,
        migrates: false,
    });
    version
}

fn hash(name: char) -> String {
    String::from_iter([name; 8])
}

fn grants(hosts: &[&str]) -> Grants {
    Grants {
        http: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..Grants::default()
    }
}

impl Record {
    /// A file comes, and is let in.
    #[track_caller]
    fn take(&mut self, version: &Kept) {
        let hash = version.hash.clone();
        self.arrive(version.clone());
        assert_eq!(self.judge(version, &Grants::default()), Judged::Serve);
        self.serve(&hash, Came::File, Millis(1));
    }

    /// A plugin whose files were these, one after the other.
    fn after(names: &str) -> Self {
        let mut record = Self::default();
        names
            .chars()
            .for_each(|name| record.take(&version(name, None)));
        record
    }

    fn serves(&self) -> char {
        let current = self.current().expect("a version serves");
        current.hash.chars().next().expect("a hash")
    }

    /// What becomes of a file if it comes.
    fn judged(&self, version: &Kept, grants: &Grants) -> Judged {
        let mut record = self.clone();
        record.arrive(version.clone());
        record.judge(version, grants)
    }
}

#[track_caller]
fn asks(judged: Judged) -> Vec<String> {
    match judged {
        Judged::Hold(Hold::Asks(asks)) => asks,
        other => panic!("it is not held for what it asks for: {other:?}"),
    }
}

#[test]
fn a_version_gone_back_from_stays_out_though_its_file_could_not_be_taken_meanwhile() {
    let mut record = Record::after("ab");
    record.dismiss();
    record.roll_back(None, Millis(2)).expect("there is one");
    assert_eq!(record.serves(), 'a');
    // The file of before, which is good after all.
    let again = record.judged(&version('b', None), &Grants::default());
    assert!(matches!(again, Judged::Hold(_)), "{again:?}");
}

#[test]
fn one_step_back_after_the_other_goes_through_what_served() {
    let mut record = Record::after("abc");
    for expected in ['b', 'a'] {
        record.roll_back(None, Millis(2)).expect("there is one");
        assert_eq!(record.serves(), expected);
    }
    let none = record
        .roll_back(None, Millis(2))
        .expect_err("nothing is before");
    assert!(
        none.to_string().contains("no version has served before"),
        "{none}"
    );
    record
        .roll_back(Some(&hash('c')), Millis(3))
        .expect("it is kept");
    assert_eq!(record.serves(), 'c');
    record.roll_back(None, Millis(4)).expect("there is one");
    assert_eq!(record.serves(), 'a', "where it was before");
}

#[test]
fn a_version_that_says_nothing_after_one_that_did_waits_for_approval() {
    let mut record = Record::default();
    record.take(&version('a', Some(manifest(&[], 1))));
    let silent = version('b', None);
    let told = asks(record.judged(&silent, &Grants::default()));
    assert!(told[0].contains("has no manifest"), "{told:?}");
    record.arrive(silent.clone());
    let refused = record.pin(Some(&hash('b')), Millis(2)).unwrap_err();
    assert!(
        refused.to_string().contains("approve it first"),
        "{refused}"
    );
    record
        .approve(&hash('b'), &Grants::default())
        .expect("it waits");
    assert_eq!(record.judge(&silent, &Grants::default()), Judged::Serve);
    record.serve(&hash('b'), Came::Approve, Millis(2));
    // From here on nobody says anything.
    record.take(&version('c', None));
}

#[test]
fn a_rollback_holds_until_another_content_comes() {
    let mut record = Record::after("ab");
    record.roll_back(None, Millis(2)).expect("there is one");
    let nothing = Grants::default();
    let again = record.judged(&version('b', None), &nothing);
    assert_eq!(again, Judged::Hold(Hold::Withdrawn(hash('b'))));
    assert_eq!(record.judged(&version('c', None), &nothing), Judged::Serve);
    // What lies there is still the one that was gone back from.
    assert_eq!(record.waiting().map(|it| it.hash.clone()), Some(hash('b')));
    record.take(&version('c', None));
    assert_eq!(record.judged(&version('b', None), &nothing), Judged::Serve);
}

/// What it was held against goes with the version that is gone back from.
#[test]
fn a_rollback_does_not_let_in_what_was_held_for_approval() {
    let granted = grants(&["pay.example"]);
    let asking = |name| version(name, Some(manifest(&["pay.example"], 1)));
    let mut record = Record::default();
    record.arrive(asking('a'));
    record.serve(&hash('a'), Came::File, Millis(1));
    record.take(&version('b', Some(manifest(&[], 1))));
    record.arrive(asking('c'));
    asks(record.judge(&asking('c'), &granted));
    record.roll_back(None, Millis(2)).expect("there is one");
    let held = Judged::Hold(Hold::Withdrawn(hash('c')));
    assert_eq!(record.judge(&asking('c'), &granted), held);
    assert_eq!(record.waiting().map(|it| &*it.hash), Some(&*hash('c')));
    let unapproved = record.roll_back(Some(&hash('c')), Millis(3));
    let why = unapproved.expect_err("it never served").to_string();
    assert!(why.contains("approve it first"), "{why}");
    record.approve(&hash('c'), &granted).expect("it asks");
    assert_eq!(record.judge(&asking('c'), &granted), held, "still");
    let approved = record.roll_back(Some(&hash('c')), Millis(3));
    approved.expect("an operator has seen it");
    assert_eq!(record.serves(), 'c');
}

#[test]
fn a_refused_file_leaves_nothing_waiting_and_what_was_rolled_back_from_stays_out() {
    let mut record = Record::after("ab");
    record.roll_back(None, Millis(2)).expect("there is one");
    record.dismiss();
    assert_eq!(record.waiting(), None);
    record.roll_back(Some(&hash('b')), Millis(3)).expect("kept");
    record.roll_back(None, Millis(4)).expect("there is one");
    record.arrive(version('c', None));
    record.dismiss();
    let again = record.judged(&version('c', None), &Grants::default());
    assert_eq!(again, Judged::Serve, "nobody went back from it");
}

#[test]
fn nothing_is_promoted_of_a_plugin_whose_file_is_gone() {
    let mut record = Record::after("ab");
    record.remove();
    let gone = record.promote(&hash('a'), Millis(2)).expect_err("gone");
    assert!(gone.to_string().contains("its file is gone"), "{gone}");
    assert!(record.is_removed());
}

#[test]
fn a_file_that_comes_back_after_it_was_removed_is_a_new_beginning() {
    let mut record = Record::after("ab");
    record.roll_back(None, Millis(2)).expect("there is one");
    record.remove();
    assert!(record.current().is_none() && record.is_removed());
    assert!(
        record.roll_back(None, Millis(3)).is_err(),
        "there is no file"
    );
    record.take(&version('b', None));
    assert_eq!(record.serves(), 'b');
}

#[test]
fn a_pin_holds_what_comes_and_its_end_lets_it_in() {
    let mut record = Record::after("ab");
    record.pin(Some(&hash('a')), Millis(2)).expect("it is kept");
    assert_eq!(record.serves(), 'a');
    let file = version('c', None);
    let held = Judged::Hold(Hold::Pinned(hash('a')));
    assert_eq!(record.judged(&file, &Grants::default()), held);
    record.arrive(file.clone());
    assert_eq!(record.waiting(), Some(&file));
    let other = record.roll_back(Some(&hash('b')), Millis(3));
    assert!(
        other
            .expect_err("it is pinned")
            .to_string()
            .contains("unpin it first")
    );
    record.unpin().expect("it is pinned");
    assert_eq!(record.judge(&file, &Grants::default()), Judged::Serve);
    assert!(record.unpin().is_err(), "it is not pinned any more");
}

#[test]
fn a_first_version_is_held_only_for_what_is_not_granted() {
    let record = Record::default();
    let file = version('a', Some(manifest(&["pay.example", "sms.example"], 1)));
    let granted = grants(&["PAY.example", "sms.example"]);
    assert_eq!(record.judged(&file, &granted), Judged::Serve);
    let asks = asks(record.judged(&file, &grants(&["pay.example"])));
    assert_eq!(
        asks,
        ["it asks for HTTP to sms.example, which `grants.http` does not grant"]
    );
    let silent = version('b', None);
    assert_eq!(record.judged(&silent, &Grants::default()), Judged::Serve);
}

#[test]
fn a_version_is_held_for_what_the_one_before_did_not_ask_for() {
    let granted = grants(&["pay.example", "sms.example"]);
    let file = version('b', Some(manifest(&["pay.example", "sms.example"], 1)));
    let mut record = Record::default();
    record.take(&version('z', None));
    assert_eq!(
        record.judged(&file, &granted),
        Judged::Serve,
        "one without a manifest tells nothing of the next"
    );
    record.arrive(version('a', Some(manifest(&["pay.example"], 1))));
    record.serve(&hash('a'), Came::File, Millis(1));
    record.arrive(file.clone());
    let asks = asks(record.judge(&file, &granted));
    assert_eq!(
        asks,
        ["it asks for HTTP to sms.example, which the version before did not"]
    );
    let unapproved = record.pin(Some(&file.hash), Millis(2));
    assert!(
        unapproved
            .expect_err("it is held")
            .to_string()
            .contains("approve it first")
    );

    record
        .approve(&file.hash, &granted)
        .expect("it is held for that");
    assert_eq!(record.judge(&file, &granted), Judged::Serve);
    let again = record.approve(&file.hash, &granted);
    assert!(
        matches!(again, Err(ActError::Refused(_))),
        "it needs no approval any more"
    );
}

#[test]
fn a_version_that_cannot_read_the_state_is_refused_whoever_wants_it() {
    let mut record = Record::default();
    let mut second = version('b', Some(manifest(&[], 2)));
    record.take(&version('a', Some(manifest(&[], 1))));
    let Judged::Refuse(why) = record.judged(&second, &Grants::default()) else {
        panic!("it exports no migrate");
    };
    assert!(why.contains("exports no `migrate`"), "{why}");
    second.migrates = true;
    record.take(&second);
    assert_eq!(record.state_version(), Some(2));

    let back = record
        .roll_back(None, Millis(2))
        .expect_err("it reads version 1");
    assert!(
        back.to_string().contains("version 2 has been written"),
        "{back}"
    );
    record
        .pin(Some(&hash('a')), Millis(2))
        .expect_err("it reads version 1");
    let again = record.judged(&version('a', Some(manifest(&[], 1))), &Grants::default());
    assert!(matches!(again, Judged::Refuse(_)), "{again:?}");
    assert_eq!(record.serves(), 'b');
}

#[test]
fn the_oldest_versions_go_but_none_that_may_be_wanted() {
    let mut record = Record::after("ab");
    record.pin(Some(&hash('a')), Millis(2)).expect("it is kept");
    record.arrive(version('t', None));
    record.try_out(&version('t', None));
    for name in ('c'..='z').filter(|name| *name != 't') {
        record.arrive(version(name, None));
    }
    let kept: String = record
        .kept()
        .iter()
        .map(|it| it.hash.chars().next().unwrap())
        .collect();
    assert_eq!(kept.len(), 10);
    let wanted = ['a', 't', 'z'];
    assert!(wanted.iter().all(|it| kept.contains(*it)), "{kept}");
    assert_eq!(record.serves(), 'a');
}

#[test]
fn a_version_is_named_by_enough_of_its_digits() {
    let record = Record::after("ab");
    assert!(record.named("aaaa").is_err(), "too short");
    assert!(record.named("cccccccc").is_err(), "not there");
    assert_eq!(
        record.named("aaaaaaaa").map(|it| it.hash.clone()),
        Ok(hash('a'))
    );
}

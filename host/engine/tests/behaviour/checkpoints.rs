//! What a checkpoint that is under way must not collide with.

use wasmill_engine::{PageRef, layout};

use super::*;

/// More than a page holds.
const LARGE: &[u8] = &[7; 50_000];

/// Ends the only run that there is, and returns the pages written.
fn end_run(engine: &mut Engine, result: Result<Effects, Failure>, now: Millis) -> Vec<PageRef> {
    let (mut pages, mut run) = (Vec::new(), None);
    for action in engine.take_actions() {
        match action {
            Action::Run(request) => assert!(run.replace(request).is_none(), "one run at a time"),
            Action::WritePage(page, _) => pages.push(page),
            _ => {}
        }
    }
    engine.complete(&run.expect("a run").ticket, vec![result], now);
    pages
}

fn pages(engine: &mut Engine) -> Vec<(PageRef, Vec<u8>)> {
    let actions = engine.take_actions().into_iter();
    actions
        .filter_map(|it| match it {
            Action::WritePage(page, bytes) => Some((page, bytes)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_new_page_of_a_key_never_has_the_number_of_one_that_is_about_to_be_deleted() {
    let mut engine = engine(vec![sub("s", "a")]);
    let all = Config::default().partitions;
    // A parked message, and one behind it that is large enough for a page of its own.
    let park = |engine: &mut Engine, now| {
        engine.accept(message("a", "k", b"first"), now).unwrap();
        end_run(engine, failure(FailureKind::Retry), now);
        engine.accept(message("a", "k", LARGE), now).unwrap();
        let mut written = pages(engine);
        assert_eq!(written.len(), 1);
        written.remove(0)
    };
    let (old, bytes) = park(&mut engine, START);
    engine.seal();
    engine.begin_checkpoint(all);
    engine.end_checkpoint();

    let now = START + Duration::from_secs(1);
    engine.tick(now);
    end_run(&mut engine, Ok(Effects::default()), now);
    engine.page_loaded(&old, &bytes).unwrap();
    end_run(&mut engine, Ok(Effects::default()), now);
    assert_eq!(pending(&engine), 0);
    engine.seal();
    let key =
        |page: &PageRef| layout::page(page.partition, &page.subscription, &page.queue, page.number);
    let checkpoint = engine.begin_checkpoint(all);
    let deletes = |page: &PageRef| {
        let mut atomic = checkpoint.atomic.iter();
        atomic.any(|write| write.key == key(page) && write.value.is_none())
    };
    assert!(deletes(&old));

    // It waits for its blocks, and meanwhile the key fills again.
    let (new, _) = park(&mut engine, now);
    assert!(!deletes(&new), "page {} would be lost", new.number);
}

#[test]
fn a_checkpoint_tells_a_time_that_no_restart_goes_back_behind() {
    let mut engine = engine(vec![sub("s", "b")]);
    engine.accept(message("a", "k", b""), START).unwrap();
    let blocks = engine.seal().1;
    engine.tick(START + Duration::from_secs(60));
    let checkpoint = engine.begin_checkpoint(1);
    let routes = engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    for block in &blocks {
        recovery.replay(block).unwrap();
    }
    let restarted = recovery.finish(Millis(0));
    assert!(checkpoint.sealed_at <= restarted.now());
    assert_eq!(checkpoint.sealed_at, START);
}

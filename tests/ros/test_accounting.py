from __future__ import annotations

import threading

import pytest

from bevseg_ros.accounting import PUBLISHED, SUPERSEDED, UNSUBSCRIBED, Account, AccountingError, Ledger, LossEstimate

RATE_NS = 100_000_000


def test_every_cloud_is_pending_until_it_is_closed_once() -> None:
    ledger = Ledger()
    entries = [ledger.open() for _ in range(5)]
    for entry, outcome in zip(entries, (PUBLISHED, SUPERSEDED, UNSUBSCRIBED, "no_transform"), strict=False):
        ledger.close(entry, outcome)
    ledger.remark("empty_cloud")
    account = ledger.account()
    assert account == Account(5, 1, 1, 1, {"no_transform": 1}, 1, {"empty_cloud": 1})
    assert account.is_balanced
    assert Account.parsed("bevseg: " + account.as_text()) == account


def test_a_new_ledger_is_balanced() -> None:
    account = Ledger().account()
    assert account == Account(0, 0, 0, 0, {}, 0, {})
    assert account.is_balanced


def test_what_has_come_up_since() -> None:
    before = Account(5, 1, 1, 1, {"truncated": 1, "bad_size": 2}, 1, {})
    now = Account(9, 3, 1, 1, {"truncated": 4, "bad_size": 2}, 0, {"frame_changed": 1})
    assert now.since(before) == Account(4, 2, 0, 0, {"truncated": 3}, -1, {"frame_changed": 1})


def test_each_source_has_its_own_books_and_all_of_them_add_up() -> None:
    ledger = Ledger()
    for source, outcome in (("/left", PUBLISHED), ("/left", "truncated"), ("/right", PUBLISHED)):
        ledger.close(ledger.open(source), outcome)
    ledger.open("/right")
    assert ledger.account() == Account(4, 2, 0, 0, {"truncated": 1}, 1, {})
    assert ledger.account_of("/left") == Account(2, 1, 0, 0, {"truncated": 1}, 0, {})
    assert ledger.account_of("/right") == Account(2, 1, 0, 0, {}, 1, {})
    assert ledger.account_of("/rear") == Account(0, 0, 0, 0, {}, 0, {})


def test_books_refuse_what_is_no_outcome() -> None:
    ledger = Ledger()
    entry = ledger.open()
    with pytest.raises(AccountingError, match="no outcome is called 'lost'"):
        ledger.close(entry, "lost")
    ledger.close(entry, PUBLISHED)
    with pytest.raises(AccountingError, match="'published' cannot become 'superseded'"):
        ledger.close(entry, SUPERSEDED)
    with pytest.raises(AccountingError, match="no remark is called 'strange'"):
        ledger.remark("strange")


def test_the_counters_add_up_at_any_time_whoever_counts() -> None:
    ledger, stop = Ledger(), threading.Event()

    def count(outcome: str) -> None:
        while not stop.is_set():
            ledger.close(ledger.open(), outcome)

    threads = [threading.Thread(target=count, args=[outcome]) for outcome in (PUBLISHED, SUPERSEDED, "truncated")]
    for thread in threads:
        thread.start()
    accounts = [ledger.account() for _ in range(500)]
    stop.set()
    for thread in threads:
        thread.join()
    assert all(account.is_balanced for account in accounts)
    assert ledger.account().pending == 0


@pytest.mark.parametrize(("gap", "lost"), [(1.0, 0), (1.4, 0), (2.0, 1), (5.0, 4)])
def test_losses_are_estimated_by_gaps(gap: float, lost: int) -> None:
    losses = LossEstimate()
    for scan in range(8):
        losses.arrived(scan * RATE_NS)
    losses.arrived(7 * RATE_NS + round(gap * RATE_NS))
    assert losses.lost == lost
    assert losses.rate_hz == pytest.approx(10)


def test_a_stream_that_begins_anew_has_lost_nothing() -> None:
    losses = LossEstimate()
    assert losses.rate_hz == 0
    for scan in range(8):
        losses.arrived(scan * RATE_NS)
    losses.restart()
    losses.arrived(10**18)
    losses.arrived(10**18)
    losses.arrived(5)
    assert losses.lost == 0

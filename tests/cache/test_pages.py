"""The page allocator never hands a page out twice and loses none."""

from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.cache.pages import PAGE_SIZE, PageAllocator, pages_for


@given(st.integers(1, 40), st.lists(st.integers(-5, 12), max_size=60))
def test_pages_are_held_once_and_all_come_back(total, actions):
    allocator, held = PageAllocator(total), []
    for action in actions:
        if action < 0 and held:
            allocator.release(held.pop(action % len(held)))
        elif action >= 0:
            free = len(allocator.free)
            pages = allocator.allocate(action)
            assert (pages is None) == (action > free)
            if pages is None:
                assert len(allocator.free) == free
            else:
                held.append(pages)
        out = [page for pages in held for page in pages]
        assert sorted([*out, *allocator.free]) == list(range(1, total))
        assert 0 not in out


@given(st.integers(0, 10_000))
def test_pages_for_is_the_least_that_holds(positions):
    pages = pages_for(positions)
    assert pages * PAGE_SIZE >= positions > (pages - 1) * PAGE_SIZE or positions == pages == 0


def test_positions_are_those_of_the_pages_that_can_be_handed_out():
    assert PageAllocator(5).positions == 4 * PAGE_SIZE

"""Large arrays return to a pool when the last reference is gone, and not before."""

import torch

from neuro.lower import workspace


def test_memory_is_used_again_only_when_no_view_of_it_is_left() -> None:
    workspace.clear()
    first = workspace.empty((1024, 1024), torch.float32)
    address, row = first.data_ptr(), first[3]
    del first
    other = workspace.empty((1024, 1024), torch.float32)
    assert other.data_ptr() != address
    del row
    again = workspace.empty((1024, 1024), torch.float32)
    assert again.data_ptr() == address


def test_a_graph_keeps_its_memory() -> None:
    workspace.clear()
    x = workspace.empty((600, 600), torch.float64).fill_(2.0).requires_grad_()
    y = (x * x).sum()
    address = x.data_ptr()
    assert workspace.empty((600, 600), torch.float64).data_ptr() != address
    y.backward()
    assert x.grad is not None and bool((x.grad == 4).all())


def test_contiguous_copies_only_what_does_not_lie_in_order() -> None:
    x = torch.rand(700, 800)
    assert workspace.contiguous(x) is x
    turned = workspace.contiguous(x.t())
    assert turned.is_contiguous() and torch.equal(turned, x.t())

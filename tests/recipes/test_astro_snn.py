"""The tasks of the recipe ask what they say, and its models see no answer before they give it."""

import runpy
from pydoc_data.topics import topics
from typing import Any

import pytest
import torch

from neuro.recipe import find

FOLDER = find("astro_snn").folder


@pytest.fixture(scope="module")
def recall() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "run.py"))


@pytest.fixture(scope="module")
def language() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "language.py"))


@pytest.mark.parametrize("silence", [0, 3])
def test_the_answer_is_the_value_shown_with_the_key_that_is_asked(
    recall: dict[str, Any], silence: int
) -> None:
    x, value, lag = recall["ask"](500, silence, torch.Generator().manual_seed(1))
    assert x.shape == (5 + silence, 500, 17)
    for sample in range(500):
        keys = x[:4, sample, :8].argmax(1).tolist()
        assert len(set(keys)) == 4
        shown = keys.index(int(x[-1, sample, :8].argmax()))
        assert x[shown, sample, 8:16].argmax() == value[sample]
        assert lag[sample] == len(x) - 1 - shown
    assert torch.equal(x.sum(2), torch.tensor([2.0] * 4 + [0] * silence + [2]).expand(500, -1).T)
    assert x[-1, :, 16].all() and not x[:-1, :, 16].any() and not x[-1, :, 8:16].any()
    assert set(value.tolist()) == set(range(8)) and set(lag.tolist()) == set(
        range(silence + 1, silence + 5)
    )


def test_the_networks_have_the_sizes_that_are_compared(recall: dict[str, Any]) -> None:
    """7,402 and 5,769: current 17*64+64, recurrent 64*64, readout 64*8+8, tau; k, v, q, tau."""

    def size(name: str) -> int:
        return sum(p.numel() for p in recall["build"](recall[name]).parameters())

    assert size("WITHOUT") == 17 * 64 + 64 + 64 * 64 + 64 * 8 + 8 + 1 == 5769
    assert size("WITH") == 5769 + 17 * (16 + 64 + 16) + 1 == 7402
    assert size("LARGER") > size("WITH")


def test_the_held_out_text_is_the_rest_of_the_manual(language: dict[str, Any]) -> None:
    text = language["read"]()
    assert 0.08 < len(text.test) / (len(text.train) + len(text.test)) < 0.12
    letters = "".join(language["ALPHABET"][i] for i in text.test[:500].clamp(max=95))
    line = max(letters.split("\n")[1:-1], key=len)
    assert any(line in topic for topic in topics.values())  # the manual's own words
    windows = text.train.unfold(0, 200, 1)
    assert not (windows == text.test[1000:1200]).all(1).any()  # never trained on


@pytest.mark.parametrize("model", [0, 1])
def test_a_prediction_does_not_depend_on_later_characters(
    language: dict[str, Any], model: int
) -> None:
    torch.manual_seed(0)
    network = language["Language"](language["MODELS"][model])
    text = torch.randint(97, (40, 3))
    other = text.clone()
    other[25] = (other[25] + 1) % 97
    with torch.no_grad():
        before, after = network(text)[0], network(other)[0]
    torch.testing.assert_close(before[:25], after[:25])
    assert not torch.equal(before[25:], after[25:])


def test_bits_per_character_of_a_model_that_knows_nothing(language: dict[str, Any]) -> None:
    network = language["Language"](language["MODELS"][1])
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
    told = language["test"](network, torch.randint(97, (128 * 5 + 1,)))
    expected = torch.log2(torch.tensor(97.0)).item()
    assert told.bits == pytest.approx(expected) and len(told.by_window) == 5
    assert told.by_place == pytest.approx([expected] * 5)

import dataclasses

import numpy as np
import pytest
import torch
from scipy import sparse

from rag_demo.adapt.fields import mix
from rag_demo.adapt.quantise import rounded
from rag_demo.adapt.train import Examples, Recipe, _gradient, _order, product, train

RANDOM = np.random.default_rng(5)


def loss(sums, weights, same, scale):
    """The same by automatic differentiation."""
    units = torch.nn.functional.normalize(sums, dim=2, eps=1e-6)
    document = torch.nn.functional.normalize(torch.einsum("bf,fbd->bd", weights, units[1:]), dim=1, eps=1e-6)
    cosines = units[0] @ document.T * scale
    cosines = cosines.masked_fill(same.clone().fill_diagonal_(False), -1e4)
    right = torch.arange(len(cosines))
    cross = torch.nn.functional.cross_entropy
    return (cross(cosines, right) + cross(cosines.T, right)) / 2


def test_the_gradient_is_that_of_automatic_differentiation():
    torch.manual_seed(1)
    sums = torch.randn(6, 6, 8, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[1.0, 0.5, 0.0, 0.6, 1.0]] * 3 + [[0.0, 0.5, 1.0, 0.6, 0.0]] * 3, dtype=torch.float64)
    targets = torch.tensor([0, 1, 2, 2, 3, 4])
    same = targets[:, None] == targets[None, :]
    loss(sums, weights, same, 16.0).backward()
    ours = _gradient(sums.detach(), weights, same, 16.0)
    assert torch.allclose(ours, sums.grad, atol=1e-9)


def test_a_product_with_counts_is_the_matrix_product():
    counts = sparse.random(7, 11, 0.3, format="csr", dtype=np.float32, random_state=3)
    table = torch.from_numpy(RANDOM.standard_normal((11, 4)).astype(np.float32))
    assert np.allclose(product(counts, table).numpy(), counts @ table.numpy(), atol=1e-6)


def test_rounded_rows_have_at_most_255_values_and_are_near():
    rows = torch.from_numpy(RANDOM.standard_normal((20, 64)).astype(np.float32))
    steps = rounded(rows) / (rows.abs().amax(dim=1, keepdim=True) / 127)
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert (rounded(rows) - rows).abs().max() <= rows.abs().max() / 254 + 1e-6
    assert torch.equal(rounded(torch.zeros(2, 3)), torch.zeros(2, 3))


def examples(n=400, words=60, seed=0):
    """Texts and documents in two languages: word w of a text means word w + ``words`` of its document."""
    random = np.random.default_rng(seed)
    chosen = random.integers(0, words, size=(n, 5))
    rows = np.repeat(np.arange(n), 5)
    ones = np.ones(n * 5, np.float32)
    shape = (n, 2 * words)
    texts = sparse.csr_matrix((ones, (rows, chosen.ravel())), shape=shape)
    bodies = sparse.csr_matrix((ones, (rows, chosen.ravel() + words)), shape=shape)
    nothing = sparse.csr_matrix(shape, dtype=np.float32)
    fields = (nothing, nothing, nothing, nothing, bodies)
    return Examples(texts, fields, np.arange(n), np.ones((n, 5), np.float32), np.arange(n) // 4, np.ones(n))


def found(vectors, given):
    documents = mix([product(field, torch.from_numpy(vectors)).numpy() for field in given.documents])
    texts = product(given.texts, torch.from_numpy(vectors)).numpy()
    return float(np.mean((texts @ documents.T).argmax(axis=1) == np.arange(len(texts))))


def test_training_learns_which_words_mean_the_same():
    seen, new = examples(), examples(seed=9)
    judged = []

    def judge(vectors, done, all_):
        judged.append((done, all_))
        return found(vectors, seen)

    vectors = train(seen, Recipe(dimension=32, dropout=0.0), judge=judge)
    assert found(vectors, new) > 0.8  # of 400: by chance 0.0025
    assert judged[0][0] == 1
    assert vectors.dtype == np.float32
    assert vectors.shape == (120, 32)


def test_the_same_seed_gives_the_same_vectors():
    recipe = Recipe(dimension=16, steps=30)
    one, two = (train(examples(), recipe, judge=lambda *_: 0.5) for _ in range(2))
    assert np.array_equal(one, two)
    other = train(examples(), Recipe(dimension=16, steps=30, seed=1), judge=lambda *_: 0.5)
    assert not np.array_equal(one, other)


def test_an_epoch_holds_each_pair_as_often_as_it_shall_be_seen():
    given = dataclasses.replace(examples(), seen=np.repeat([2.0, 1.0, 0.5, 0.0], 100))
    times = np.bincount(_order(given, 4, np.random.default_rng(0)), minlength=400).reshape(4, 100)
    assert (times[0] == 2).all()
    assert (times[1] == 1).all()
    assert set(times[2]) == {0, 1}
    assert 30 < times[2].sum() < 70
    assert not times[3].any()


def test_the_best_epoch_is_kept_and_training_stops_after_it():
    seen = []

    def judge(vectors, _done, _all):
        seen.append(vectors)
        return 1.0 if len(seen) == 2 else 0.0

    vectors = train(examples(), Recipe(dimension=16, steps=400, epochs=1, patience=0.1), judge=judge)
    assert np.array_equal(vectors, seen[1])
    assert len(seen) == 4  # of 10: waiting for more than a tenth ended it


@pytest.mark.parametrize("n", [2, 3, 50])
def test_few_pairs_are_enough(n):
    assert np.isfinite(train(examples(n), Recipe(dimension=8, steps=5), judge=lambda *_: 0.0)).all()


def test_documents_without_words_have_zero_vectors():
    zero = np.zeros((2, 3), np.float32)
    assert np.array_equal(mix([zero] * 5), zero)

"""The perplexity of an n-gram model with interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998).

    python3 kneser_ney.py --train TEXT --test TEXT [--order 5] [--vocab K | --min-count K]

Tokens are those of the example `ptb`: words between white space, `<eos>` for each newline, and rare words become
`<unk>` by the same two rules. Nothing is pruned. A context reaches over the end of a line, as that of the recurrent
models does (on the Penn Treebank that is 3% better than to begin anew with each line).
"""
import argparse
import math
from collections import Counter, defaultdict


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().replace("\n", " <eos> ").split()


def known_words(tokens, vocab=None, min_count=1):
    """The words that are kept: those that appear often enough, or the most frequent, the earlier ones among equals."""
    counts = Counter(tokens)
    frequent = sorted((word for word in counts if word != "<unk>" and counts[word] >= min_count),
                      key=lambda word: -counts[word])
    return set(frequent[:None if vocab is None else vocab - 1]) | {"<unk>"}


def ngrams(tokens, n):
    return zip(*(tokens[i:] for i in range(n)))


class Order:
    """What one order of n-grams knows: for each context its words' counts, and what is left for the order below."""

    def __init__(self, counts):
        times = Counter(counts.values())
        n = [times[i] for i in range(5)]
        y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.0
        # discounts of n-grams seen once, twice, more often; a text too small for one of them discounts nothing there
        self.discounts = [0.0] + [max(i - (i + 1) * y * n[i + 1] / n[i], 0.0) if n[i] else 0.0 for i in (1, 2, 3)]
        self.counts = counts
        self.totals, self.left = defaultdict(int), defaultdict(float)
        for ngram, count in counts.items():
            self.totals[ngram[:-1]] += count
            self.left[ngram[:-1]] += self.discounts[min(count, 3)]

    def mix(self, ngram, lower):
        """The probability of the last word, where the order below gives it `lower`."""
        context = ngram[:-1]
        total = self.totals.get(context)
        if not total:
            return lower
        count = self.counts.get(ngram, 0)
        return (count - self.discounts[min(count, 3)] + self.left[context] * lower) / total


class KneserNey:
    """A model of the order n, made from a text."""

    def __init__(self, tokens, known, n):
        self.known, self.n = known, n
        tokens = self.with_unk(tokens)
        self.size = len(set(tokens) | {"<unk>"})
        counts = Counter(ngrams(tokens, n))
        self.orders = [Order(counts)]
        for _ in range(n - 1):
            # a shorter n-gram counts by the different words before it
            counts = Counter(ngram[1:] for ngram in counts)
            self.orders.insert(0, Order(counts))

    def with_unk(self, tokens):
        return [word if word in self.known else "<unk>" for word in tokens]

    def probability(self, ngram):
        p = 1.0 / self.size
        for n, order in enumerate(self.orders[:len(ngram)], 1):
            p = order.mix(ngram[-n:], p)
        return p

    def perplexity(self, tokens):
        """Of every token but the first, as the recurrent models are judged."""
        tokens = self.with_unk(tokens)
        ends = range(2, len(tokens) + 1)
        losses = [-math.log(self.probability(tuple(tokens[max(end - self.n, 0):end]))) for end in ends]
        return math.exp(math.fsum(losses) / len(losses))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True)
    p.add_argument("--test", required=True)
    p.add_argument("--order", type=int, default=5)
    p.add_argument("--vocab", type=int)
    p.add_argument("--min-count", type=int, default=1)
    a = p.parse_args()
    train = read(a.train)
    model = KneserNey(train, known_words(train, a.vocab, a.min_count), a.order)
    # a model that forgets to hand on what it discounts shows it here
    context = tuple(train[:a.order - 1])
    total = math.fsum(model.probability(context + (word,)) for word in sorted(model.known))
    assert abs(total - 1) < 1e-6, "the probabilities of all words behind a context add up to %r" % total
    perplexity = model.perplexity(read(a.test))
    print("Kneser-Ney, order %d, %d words: test perplexity %.2f" % (a.order, model.size, perplexity))


if __name__ == "__main__":
    main()

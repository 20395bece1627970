"""Card verification values, by psec."""

from numbers_of import pan, text
from psec.cvv import generate_cvv


def value(random):
    # psec gives fewer than three digits where letters are needed: once in 100,000.
    while True:
        key, number = text(random, 16), pan(random)
        expiry = f"{random.randrange(100):02}{random.randint(1, 12):02}"
        code = random.choice(["000", "999", "101", "201", "121", "221", "601", f"{random.randint(1, 998):03}"])
        expected = generate_cvv(key, number, expiry, code)
        if len(expected) == 3:
            return {"cvk": key.hex(), "pan": number, "expiry": expiry, "service_code": code, "expected": expected}


ALGORITHMS = {"cvv": value}

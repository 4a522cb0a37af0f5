"""How unlikely a count is: tails of the negative binomial distribution, without SciPy.

Counts of log lines vary more than a Poisson process, so the distribution has a size of one over the over-dispersion.
Both tails are regularised incomplete beta functions, computed by their continued fraction in log space, so that a
probability of 1e-300 is as exact as one of 0.1, and a count of a million costs as little as one of four.
"""

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_STEPS = 300
_PRECISION = 1e-10
_LN10 = log(10)
_MOST = 300.0


def _fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (Numerical Recipes section 6.4, modified Lentz)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for step in (even, odd):
            d = 1.0 + step * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + step / c
            c = c if abs(c) > _TINY else _TINY
            value *= d * c
        if abs(d * c - 1.0) < _PRECISION:
            break
    return value


def _log_beta_share(a: float, b: float, log_x: float, log_y: float) -> float:
    """ln of the regularised incomplete beta function I_x(a, b), where y = 1 - x."""
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log_x + b * log_y
    x = exp(log_x)
    if x < (a + 1.0) / (a + b + 2.0):
        return front - log(a) + log(_fraction(a, b, x))
    other = exp(front - log(b)) * _fraction(b, a, exp(log_y))
    return log1p(-min(other, 1.0 - 1e-16))


def _logs(mean: float, size: float) -> tuple[float, float]:
    """ln of the two probabilities of the negative binomial: of another event, and of stopping."""
    return -log1p(size / mean), -log1p(mean / size)


def surprise_above(count: int, mean: float, size: float) -> float:
    """-log10 P(X >= ``count``) of a negative binomial with that mean and size (1 / over-dispersion), 0 to 300."""
    if count <= 0 or mean <= 0:
        return 0.0 if count <= 0 else _MOST
    more, stop = _logs(mean, size)
    return min(_MOST, max(0.0, -_log_beta_share(float(count), size, more, stop) / _LN10))


def surprise_below(count: int, mean: float, size: float) -> float:
    """-log10 P(X <= ``count``) of the same distribution, 0 to 300."""
    if mean <= 0:
        return 0.0
    more, stop = _logs(mean, size)
    return min(_MOST, max(0.0, -_log_beta_share(size, count + 1.0, stop, more) / _LN10))

from bench.figures import Spread, growth, ratio, spread


def test_figures_are_spread_around_their_median() -> None:
    assert spread([3, 1, 10]) == Spread(3, 1, 10)


def test_a_ratio_is_taken_round_by_round() -> None:
    slow_second_round = ratio([100, 10], [200, 20])

    assert slow_second_round == Spread(0.5, 0.5, 0.5)


def test_growth_is_by_the_least_of_the_smaller_ones() -> None:
    assert growth([50, 10, 12]) == 1.2
    assert growth([50, 40, 20]) == 0.5

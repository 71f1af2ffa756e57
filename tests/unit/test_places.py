from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts.values.places import country_code, country_of_place, place_key
from icp_ml.accounts.values.states import _WRITTEN, _subdivisions, city_name, state_code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("USA", "US"), ("U.S.A.", "US"), ("U.S.", "US"), ("us", "US"), ("America", "US"), ("Estados Unidos", "US"),
        ("UK", "GB"), ("Great Britain", "GB"), ("England", "GB"), ("United Kingdom (UK)", "GB"), ("Holland", "NL"),
        ("South Korea", "KR"), ("Korea, Republic of", "KR"), ("Russia", "RU"), ("Russian Federation", "RU"),
        ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("Viet Nam", "VN"), ("UAE", "AE"), ("Ivory Coast", "CI"),
        ("Côte d’Ivoire", "CI"), ("Deutschland (Germany)", "DE"), ("DEU", "DE"), ("Allemagne", "DE"), ("NA", "NA"),
        ("The Bahamas", "BS"), ("Türkiye", "TR"), ("Turkey", "TR"), ("Österreich", "AT"), ("OSTERREICH", "AT"),
        ("日本", "JP"), ("Россия", "RU"), ("대한민국", "KR"), ("ألمانيا", "DE"), ("Ελλάδα", "GR"), ("भारत", "IN"),
        ("Congo, Democratic Republic of the", "CD"), ("Republic of Ireland", "IE"), ("Northern Ireland", "GB"),
        ("Georgia", "GE"), ("Jersey", "JE"), ("Niger", "NE"), ("Nigeria", "NG"), ("Guinea-Bissau", "GW"),
        ("Bosnia & Herzegovina", "BA"), ("Bosnia and Herzegovina", "BA"), ("Kosovo", "XK"),
    ],
)  # fmt: skip
def test_countries_in_many_spellings(written: str, code: str) -> None:
    assert country_of_place(written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Berlin, Germany", "DE"), ("Austin, TX, USA", "US"), ("London, England, United Kingdom", "GB"),
        ("Seoul, South Korea", "KR"), ("Montréal, Canada", "CA"),
        # a state as well as it is a country, or a code that may be either
        ("Atlanta, Georgia", None), ("San Diego, CA", None), ("Paris, FR", None), ("Gary, IN", None),
        (", Germany", "DE"), ("Germany (France)", None), ("New Jersey", None), ("Europe", None), ("EU", None),
        ("Remote", None), ("", None), ("x" * 500, None), ("New Mexico", None), ("Latin America", None),
    ],
)  # fmt: skip
def test_places_that_end_in_a_country(written: str, code: str | None) -> None:
    assert country_of_place(written) == code


def test_every_country_is_known_by_its_codes_and_english_name() -> None:
    from babel import Locale

    names = Locale.parse("en").territories
    for code, name in names.items():
        if len(code) == 2 and code not in {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"}:
            assert country_code(code) == country_code(code.lower()) == code
            assert country_code(name) == code, name


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_nothing(text: str) -> None:
    found = country_of_place(text)
    assert found is None or (len(found) == 2 and found.isupper())
    assert place_key(place_key(text)) == place_key(text)
    assert city_name(text) is not None
    state = state_code(text)
    assert state is None or state_code(state) == state


@pytest.mark.parametrize(
    ("written", "country", "code"),
    [
        ("CA", None, "US-CA"), ("CA", "US", "US-CA"), ("California", None, "US-CA"), ("Calif.", "US", "US-CA"),
        ("california, usa", None, "US-CA"), ("N.Y.", None, "US-NY"), ("Washington D.C.", None, "US-DC"),
        ("Georgia", None, "US-GA"), ("Georgia", "US", "US-GA"), ("US-TX", None, "US-TX"), ("W. Va.", "US", "US-WV"),
        ("San Francisco, CA", None, "US-CA"), ("Ontario, Canada", None, "CA-ON"), ("ON", "CA", "CA-ON"),
        ("Québec", "CA", "CA-QC"), ("NSW", None, "AU-NSW"), ("WA", "AU", "AU-WA"), ("WA", "US", "US-WA"),
        ("Victoria", "AU", "AU-VIC"), ("Bayern", "DE", "DE-BY"), ("Bavaria", None, "DE-BY"), ("NRW", "DE", "DE-NW"),
        ("Île-de-France", "FR", "FR-IDF"), ("Ile de France", None, "FR-IDF"), ("Lombardy", "IT", "IT-25"),
        ("Noord-Holland", "NL", "NL-NH"), ("North Holland", "NL", "NL-NH"), ("Karnataka", "IN", "IN-KA"),
        ("São Paulo", "BR", "BR-SP"), ("SP", "BR", "BR-SP"), ("PA", "BR", "BR-PA"), ("England", "GB", "GB-ENG"),
        ("Zürich", "CH", "CH-ZH"), ("County Dublin", "IE", "IE-D"), ("Limburg", "BE", "BE-VLI"),
        # a guess would be needed
        ("Limburg", None, None), ("CA", "DE", None), ("California, USA", "DE", None), ("Jersey", None, None),
        ("12", None, None), ("12", "US", None), ("Gotham", "US", None), ("", None, None), ("Bavaria", "US", None),
    ],
)  # fmt: skip
def test_states(written: str, country: str | None, code: str | None) -> None:
    assert state_code(written, country) == code


def test_every_state_is_found_by_name_and_code_in_its_country() -> None:
    wanted = [(c, e) for c in ("US", "CA", "AU", "DE", "BR", "IN", "MX") for e in _subdivisions()[c]]
    assert [(c, e) for c, e in wanted if state_code(e[1], c) != e[0] or state_code(e[0], c) != e[0]] == []


def test_spellings_lead_to_codes_that_exist() -> None:
    codes = {code for entries in _subdivisions().values() for code, _, _ in entries}
    assert {f"{country}-{part}" for country, found in _WRITTEN.items() for part in found.values()} <= codes


@pytest.mark.parametrize(
    ("written", "city"),
    [
        ("Austin, TX", "austin"), ("Austin", "austin"), ("Paris, Île-de-France, France", "paris"),
        ("San Francisco, California, United States", "san francisco"), ("Berlin, Germany", "berlin"),
        ("Lutherstadt, Wittenberg", "lutherstadt, wittenberg"), (", TX", ", tx"), (",", ","),
        ("  New   York ", "new york"),
        ("a, b, c, d, TX", "a, b, c, d, tx"),
    ],
)  # fmt: skip
def test_cities_without_what_stands_behind_them(written: str, city: str) -> None:
    assert city_name(written) == city

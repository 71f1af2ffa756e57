"""Words of column headers: short forms, what may be left out, other languages, and headers that must be asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What people shorten. Each is one word of a folded header (`icp_ml.schema.header_key`).
SHORT_FORMS: Mapping[str, str] = {
    "empl": "employees", "emp": "employees", "emps": "employees", "ees": "employees", "fte": "employees",
    "ftes": "employees", "hc": "headcount", "no": "num", "nr": "num", "nbr": "num", "cnt": "count", "number": "num",
    "rev": "revenue", "revs": "revenue", "ind": "industry", "indus": "industry", "inds": "industries",
    "ctry": "country", "cntry": "country", "prov": "province", "yr": "year", "fnd": "founded", "fndd": "founded",
    "estab": "established", "tech": "technologies", "techs": "technologies", "techno": "technologies",
    "desc": "description", "descr": "description", "addr": "address", "tel": "phone", "web": "website",
    "lnkd": "linkedin", "li": "linkedin", "amt": "amount", "rnd": "round", "mktg": "marketing", "mkt": "marketing",
    "eng": "engineering", "hq": "headquarters", "dt": "date", "fundraising": "funding", "cust": "customer",
    "subindustry": "sub_industry", "subsector": "sub_industry", "kw": "keywords", "kws": "keywords",
    "lang": "languages", "certs": "certifications", "cert": "certifications", "mo": "month", "mth": "month",
    "mths": "month", "months": "month", "loc": "location", "locs": "locations", "wkly": "weekly",
    "techstack": "tech_stack", "zipcode": "zip_code", "webpage": "website", "ent": "entity",
}  # fmt: skip
# Words that say where a value comes from or that it is the company's, not what it is.
NOISE = _set(
    "zi zoominfo clay apollo sfdc sf hs hubspot cb crunchbase clearbit breeze dnb hoovers cognism crm dscorgpkg "
    "lusha leadiq sixsense demandbase enriched enrichment raw src company companies account acct acc organization "
    "org organisation firm agency startup seller merchant employer business corp corporate headquarters billing "
    "current final clean cleaned normalized normalised std standardized value field c txt usd eur gbp in 000s of "
    "the est estimated approx total num count s primary main de la le les des du d l del di da do dos der die das "
    "is has had was"
)
# Of these, those that make clear that it is the company's.
SUBJECTS = _set(
    "company companies account acct acc organization organisation org firm corporate headquarters zi zoominfo clay "
    "apollo cb crunchbase clearbit breeze dnb hoovers cognism enriched"
)
# Words that make a header something else, unless a field's own spelling has them: people, bookkeeping, comparisons.
FOREIGN_TO_FIELDS = _set(
    "email mail contact person personal lead owner manager rep title mobile fax created modified updated deleted "
    "synced salutation birth seniority department utm campaign logo facebook twitter instagram youtube currency "
    "precision source confidence accuracy previous former prior next parent ultimate growth change delta trend rank "
    "score rating grade min max minimum maximum avg average median first last id ids key url link status stage type "
    "code description category group competitor competitors partner product products opportunity deal deals invoice "
    "ticket tickets user users license licence seat seats login logins usage satisfaction tenure forecast target "
    "goal quota plan notes comment comments flag shipping home private zone time day days week weeks hour hours age "
    "customer client our your internal decline increase benefits training cost costs spend budget rate ratio per "
    "percent share"
)

LANGUAGES: Mapping[str, str] = {
    "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
}  # fmt: skip
# field -> language -> spellings, as `header_key` folds them; umlauts also as ae, oe, ue.
TRANSLATED: Mapping[str, Mapping[str, str]] = {
    "employees": {
        "de": "mitarbeiter mitarbeiterzahl mitarbeiteranzahl anzahl_mitarbeiter beschaftigte beschaeftigte angestellte "
              "mitarbeitende unternehmensgrosse unternehmensgroesse",
        "fr": "effectif effectifs nombre_d_employes employes nombre_de_salaries salaries nb_salaries "
              "tranche_d_effectif taille_de_l_entreprise",
        "es": "empleados numero_de_empleados num_empleados plantilla tamano_de_la_empresa trabajadores",
        "it": "dipendenti numero_dipendenti numero_di_dipendenti addetti", "pt": "funcionarios numero_de_funcionarios",
        "nl": "medewerkers aantal_medewerkers werknemers aantal_werknemers",
    },
    "industry": {
        "de": "branche industrie wirtschaftszweig branchenbezeichnung", "fr": "secteur secteur_d_activite industrie",
        "es": "sector industria sector_de_actividad giro", "it": "settore industria settore_di_attivita",
        "pt": "setor ramo setor_de_atividade", "nl": "bedrijfstak sector branche",
    },
    "revenue_usd": {
        "de": "jahresumsatz", "fr": "chiffre_d_affaires_annuel",
        "es": "facturacion_anual ventas_anuales ingresos_anuales", "it": "fatturato_annuo",
        "pt": "faturamento_anual receita_anual", "nl": "jaaromzet",
    },
    "country": {"de": "land", "fr": "pays", "es": "pais", "it": "paese nazione", "pt": "pais", "nl": "land"},
    "state": {
        "de": "bundesland kanton", "fr": "departement", "es": "provincia estado", "it": "provincia regione",
        "pt": "estado", "nl": "provincie",
    },
    "city": {
        "de": "ort stadt firmensitz", "fr": "ville commune", "es": "ciudad localidad", "it": "citta comune",
        "pt": "cidade", "nl": "plaats stad woonplaats",
    },
    "postal_code": {
        "de": "plz postleitzahl", "fr": "code_postal", "es": "codigo_postal", "it": "cap codice_postale", "pt": "cep",
        "nl": "postcode",
    },
    "account_id": {
        "de": "kundennummer kunden_nummer kundennr kunden_nr kunden_id", "fr": "numero_client no_client id_client",
        "es": "numero_de_cliente id_cliente codigo_cliente", "it": "codice_cliente numero_cliente",
        "pt": "codigo_do_cliente", "nl": "klantnummer klant_id",
    },
    "name": {
        "de": "firma firmenname unternehmen unternehmensname name_der_firma", "fr": "raison_sociale entreprise societe "
        "nom_de_l_entreprise nom_entreprise", "es": "empresa nombre_de_la_empresa razon_social",
        "it": "azienda ragione_sociale nome_azienda", "pt": "empresa razao_social nome_da_empresa",
        "nl": "bedrijf bedrijfsnaam",
    },
    "domain": {
        "de": "webseite internetseite internetadresse", "fr": "site_web site_internet",
        "es": "sitio_web pagina_web web", "it": "sito_web sito sito_internet", "pt": "site", "nl": "webadres",
    },
    "founded_year": {
        "de": "grundungsjahr gruendungsjahr gegrundet gegruendet", "fr": "annee_de_creation date_de_creation",
        "es": "ano_de_fundacion fundada_en", "it": "anno_di_fondazione anno_fondazione", "pt": "ano_de_fundacao",
        "nl": "oprichtingsjahr",
    },
    "technologies": {
        "de": "technologien eingesetzte_software eingesetzte_technologien", "fr": "logiciels logiciels_utilises",
        "es": "tecnologias", "it": "tecnologie", "pt": "tecnologias", "nl": "technologieen",
    },
    "keywords": {
        "de": "schlagworte stichworte schlagworter", "fr": "mots_cles", "es": "palabras_clave", "it": "parole_chiave",
        "pt": "palavras_chave", "nl": "trefwoorden",
    },
    "description": {
        "de": "beschreibung kurzbeschreibung", "es": "descripcion", "it": "descrizione", "pt": "descricao",
        "nl": "omschrijving",
    },
    "phone": {"de": "telefon telefonnummer", "fr": "telephone", "es": "telefono", "pt": "telefone", "nl": "telefoon"},
    "street": {
        "de": "strasse anschrift", "fr": "adresse rue", "es": "direccion calle", "it": "indirizzo", "pt": "endereco",
        "nl": "straat adres",
    },
    "legal_form": {
        "de": "rechtsform", "fr": "forme_juridique", "es": "forma_juridica", "it": "forma_giuridica",
        "nl": "rechtsvorm",
    },
    "parent_company": {
        "de": "muttergesellschaft konzern", "fr": "maison_mere", "es": "empresa_matriz", "it": "capogruppo",
        "nl": "moederbedrijf",
    },
    "open_jobs": {
        "de": "offene_stellen", "fr": "postes_ouverts offres_d_emploi", "es": "vacantes", "it": "posizioni_aperte",
        "nl": "vacatures",
    },
    "customer_since": {
        "de": "kunde_seit vertragsbeginn", "fr": "client_depuis", "es": "cliente_desde", "it": "cliente_dal",
        "pt": "cliente_desde", "nl": "klant_sinds",
    },
    "churn_date": {"de": "kundigungsdatum kuendigungsdatum", "fr": "date_de_resiliation", "es": "fecha_de_baja"},
    "churned": {"de": "gekundigt gekuendigt", "fr": "resilie"},
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A header that means different things in different files.

    Attributes
    ----------
    fields : tuple of str
        What it may be; the values may speak for one of them.
    text : str
        What to ask the person who knows the file.
    """

    fields: tuple[str, ...]
    text: str


_TURNOVER = Question(
    ("revenue_usd", "annual_revenue_from_customer_usd"), "the company's turnover, or what it pays you?"
)
_RELATION = Question(("company_type", "business_model"), "the company's ownership, or its relation to you?")
_PLACE = Question(("headquarters", "city", "state", "country"), "where the company is, or one of its people?")
_END = Question(("churn_date",), "the day customers left, or the next renewal of those who stay?")
_PAID = Question(("annual_revenue_from_customer_usd",), "what a customer pays in a year, or one deal?")
QUESTIONS: Mapping[str, Question] = {
    **dict.fromkeys(("revenue", "revenues", "sales", "turnover", "umsatz", "chiffre_d_affaires", "facturacion",
                     "fatturato", "faturamento", "omzet", "ingresos", "total_revenue", "gross_revenue", "net_revenue",
                     "monthly_revenue", "declared_monthly_revenue", "income", "gross_sales", "net_sales"), _TURNOVER),
    **dict.fromkeys(("type", "account_type", "customer_type", "company_category", "record_type", "client_type"),
                    _RELATION),
    **dict.fromkeys(("location", "hq", "locality", "locations", "region", "area", "territory", "sitz"), _PLACE),
    **dict.fromkeys(("end_date", "contract_end_date", "contract_end", "renewal_date", "expiration_date",
                     "expiry_date", "subscription_end_date", "date_ended"), _END),
    **dict.fromkeys(("amount", "value", "deal_amount", "deal_value", "opportunity_amount", "net_amount",
                     "total_amount", "price"), _PAID),
    "size": Question(("employees", "revenue_usd"), "its number of people, or of something else?"),
    "company_url": Question(("domain", "linkedin_url"), "the company's own site, or its page elsewhere?"),
    "link": Question(("domain", "linkedin_url"), "the company's own site, or its page elsewhere?"),
    "start_date": Question(("customer_since", "founded_year"), "when it became a customer, or when it was founded?"),
    "date": Question(("customer_since",), "when it became a customer, or something else?"),
    "segment": Question(("industry", "employees"), "its market, its size, or a group of your own making?"),
    "business_segment": Question(("industry",), "its market, or a group of your own making?"),
    "category": Question(("industry", "keywords"), "its industry, or a group of your own making?"),
    "market": Question(("industry", "country"), "its industry, or a place?"),
    "tags": Question(("keywords",), "the company's own keywords, or labels your team gave it?"),
    "labels": Question(("keywords",), "the company's own keywords, or labels your team gave it?"),
    "job_postings": Question(("open_jobs", "job_posting_text"), "how many, or their text?"),
    "jobs": Question(("open_jobs", "hiring_roles", "job_posting_text"), "how many, which, or their text?"),
    "growth": Question(("employee_growth_rate", "revenue_growth_rate"), "of its people or of its revenue?"),
    "growth_rate": Question(("employee_growth_rate", "revenue_growth_rate"), "of its people or of its revenue?"),
    "funding": Question(("total_funding_usd", "last_funding_stage", "last_funding_usd"), "how much, or which round?"),
    "budget": Question(("it_spend_usd", "marketing_spend_usd"), "for what, and whose estimate?"),
    "followers": Question(("linkedin_followers", "twitter_followers"), "on which network?"),
    "follower_count": Question(("linkedin_followers", "twitter_followers"), "on which network?"),
    "satisfaction": Question(("csat", "nps"), "on which scale?"),
    "rating": Question(("employer_rating", "csat", "current_score"), "of the company by others, or of it by you?"),
    "score": Question(("nps", "csat", "current_score", "intent_score"), "which score?"),
    "status": Question(("customer_status", "deal_stage"), "of the customer, of a deal, or of a record?"),
    "stage": Question(("deal_stage", "last_funding_stage"), "of a deal, or of the company's funding?"),
    "account_status": Question(("customer_status",), "whether it is still a customer, or something else?"),
    **dict.fromkeys(("close_date", "closed_date", "closed_at"), Question(
        ("customer_since", "deal_closed_date", "churn_date"),
        "when it became a customer, when a deal was closed, or when the company closed?")),
    "traffic": Question(("monthly_web_visits",), "visits a month, or a rank?"),
    "software": Question(("technologies",), "what the company uses, or what it sells?"),
    "products": Question(("technologies",), "what the company uses, or what it bought from you?"),
}  # fmt: skip

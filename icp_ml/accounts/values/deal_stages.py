"""Deal stages and customer statuses as they are written -> what they mean; what is not known is never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

State = Literal["won", "lost", "open", "not_renewed", "active", "churned", "not_customer"]

DEAL_PHRASES: Mapping[State, tuple[str, ...]] = {
    "won": (
        "won", "closed won", "closedwon", "close won", "deal won", "opportunity won", "closed as won", "signed",
        "contract signed", "closed and won", "customer won", "gewonnen", "gagne", "gagnee", "ganado", "ganada", "ganho",
        "ganha", "vinto", "vinta", "gagne ferme", "abgeschlossen gewonnen", "cerrado ganado", "cerrada ganada",
        "ferme gagne", "chiuso vinto",
        "fechado ganho",
    ),
    "lost": (
        "lost", "closed lost", "closedlost", "close lost", "deal lost", "opportunity lost", "closed as lost",
        "lost deal", "lost to competitor", "lost to competition", "lost no decision", "disqualified", "unqualified",
        "no decision", "rejected", "declined", "closed not won",
        "verloren", "perdu", "perdue", "perdido", "perdida", "perso", "persa", "abgeschlossen verloren",
        "cerrado perdido", "cerrada perdida", "ferme perdu", "chiuso perso", "fechado perdido",
    ),
    "open": (
        "open", "in progress", "prospecting", "qualification", "qualified", "needs analysis", "value proposition",
        "id decision makers", "perception analysis", "proposal", "proposal price quote", "proposal sent", "quote sent",
        "negotiation", "negotiation review", "in negotiation", "discovery", "demo", "demo scheduled", "evaluation",
        "appointment scheduled", "appointmentscheduled", "qualified to buy", "qualifiedtobuy",
        "presentation scheduled", "presentationscheduled", "decision maker bought in", "decisionmakerboughtin",
        "contract sent", "contractsent", "verbal commit", "pipeline", "commit", "best case", "new", "working",
        "lead", "prospect", "offen", "in bearbeitung", "ouvert", "en cours", "abierto", "abierta", "en curso", "aberto",
        "em andamento", "aperto", "in corso",
    ),
    "not_renewed": (
        "not renewing", "not renewed", "did not renew", "non renewal", "non renewed", "renewal lost", "lost renewal",
        "lost not renewing", "lost not renewed", "churned", "lost customer",
    ),
}  # fmt: skip
STATUS_PHRASES: Mapping[State, tuple[str, ...]] = {
    "active": (
        "active", "active customer", "active client", "current", "current customer", "customer", "client", "live",
        "stayed", "retained", "renewed", "joined", "in good standing", "subscribed", "paying", "onboarding",
        "onboarded", "at risk", "aktiv", "aktiver kunde", "kunde", "actif", "active client", "activo", "activa",
        "cliente activo", "ativo", "ativa", "cliente ativo", "attivo", "attiva", "cliente attivo", "actief",
    ),
    "churned": (
        "churned", "churn", "churned customer", "cancelled", "canceled", "cancelled customer", "former",
        "former customer", "former client", "ex customer", "past customer", "lost", "lost customer", "left",
        "terminated", "expired", "inactive", "inactive customer", "not renewed", "did not renew", "unsubscribed",
        "deactivated", "closed", "ended", "lapsed", "gekundigt", "inaktiv", "ehemaliger kunde", "resilie", "resiliee",
        "annule", "annulee", "inactif", "inactive client", "cancelado", "cancelada", "baja", "inactivo", "inactiva",
        "inativo", "inativa", "cancellato", "disdetto", "inattivo", "opgezegd", "inactief",
    ),
    "not_customer": (
        "prospect", "lead", "target", "trial", "trialing", "in trial", "free trial", "trial expired", "opportunity",
        "never customer", "not a customer", "non customer", "partner", "competitor", "subscriber only",
        "interessent", "prospecto", "prospetto",
    ),
}  # fmt: skip
DEAL_STATES = ("won", "lost", "open", "not_renewed")
STATUS_STATES = ("active", "churned", "not_customer")
_NEUTRAL = frozenset({"closed", "close", "stage", "status", "deal", "opportunity", "customer", "account", "client"})


def fold(text: str) -> str:
    """Fold a spelling: no accents, no case, words of letters and digits by one blank."""
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    text = "".join(c for c in text if not unicodedata.combining(c)).casefold()
    return " ".join(re.findall(r"[^\W_]+", text))


def deal_state(text: str) -> State | None:
    """Return won, lost, open or not_renewed; None where the spelling is not known.

    Examples
    --------
    >>> [deal_state(s) for s in ("Closed Won - Paid", "CLOSED_LOST", "6 - Won", "Closed Lost - Not Renewing", "Hmm")]
    ['won', 'lost', 'won', 'not_renewed', None]
    """
    return _state(text, _DEALS)


def customer_state(text: str) -> State | None:
    """Return active, churned or not_customer; None where the spelling is not known.

    Examples
    --------
    >>> [customer_state(s) for s in ("Active customer", "cancelada", "Churned (price)", "paused")]
    ['active', 'churned', 'churned', None]
    """
    return _state(text, _STATUSES)


def _state(text: str, phrases: Mapping[str, State]) -> State | None:
    """Look the whole up, then its parts: a number in front and a detail behind say nothing, two answers are none."""
    words = [w for w in fold(text).split() if not w.isdigit()]
    whole = " ".join(words)
    if whole in phrases:
        return phrases[whole]
    if whole.startswith("stage ") and whole[6:] in phrases:
        return phrases[whole[6:]]
    parts = [_words(part) for part in re.split(r"[-–—:/|,;()\[\]>]+", text)]
    found = [phrases[part] for part in parts if part in phrases and part not in _NEUTRAL]
    states = list(dict.fromkeys(found))
    first = next((part for part in parts if part and part not in _NEUTRAL), "")
    if "not_renewed" in states and set(states) <= {"lost", "not_renewed"}:
        return "not_renewed"  # a renewal that was lost is a customer that left
    return states[0] if len(states) == 1 and first in phrases else None


def _words(part: str) -> str:
    words = fold(part).split()
    return " ".join(w for i, w in enumerate(words) if not (w.isdigit() or (i == 0 and w == "stage" and len(words) > 1)))


def _lookup(phrases: Mapping[State, tuple[str, ...]]) -> dict[str, State]:
    return {fold(phrase): state for state, spelled in phrases.items() for phrase in spelled}


_DEALS = _lookup(DEAL_PHRASES)
_STATUSES = _lookup(STATUS_PHRASES)

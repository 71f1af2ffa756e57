"""Words that say nothing of a company: the small words of some languages, and what every description says."""

from __future__ import annotations

_ENGLISH = """
a about above across after again against all almost along already also although always am among an and another any
anyone anything are around as at away back be became because become becomes been before behind being below between
beyond both but by came can cannot come could did do does doing done dont down during each either else enough etc even
ever every everyone everything everywhere few first for from further get gets give given go goes going gone got had
has have having he her here hers herself him himself his how however i if in indeed instead into is it its itself just
keep know known last later least less let like ll made make makes making many may me might mine more moreover most
mostly much must my myself need needs neither never next no nor not nothing now of off often on once one only onto or
other others our ours ourselves out over own part per perhaps put rather re really same say see seem several shall she
should since so some someone something soon still such take takes than that the their theirs them themselves then
there therefore these they this those though through throughout thus to together too toward towards two three under
until up upon us use used uses using ve very via was way we well went were what whatever when where whether which
while who whole whom whose why will with within without would yet you your yours yourself
"""
_OTHER_LANGUAGES = """
aber als am an auch auf aus bei bin bis das dass dem den der des die durch ein eine einem einen einer eines er es fur
für haben hat ich ihr ihre im in ist kann mehr mit nach nicht noch nur oder ohne sein seine sich sie sind sowie über
um und uns unser unsere von vor war was wir wird wurde zu zum zur zwischen au aux avec ce ces cette dans de du elle
elles en est et il ils je la le les leur leurs mais nos notre nous ne ou où par pas plus pour qu que qui sa sans se
ses son sont sur un une vos votre vous al ante como con cual del desde donde el ella ellos entre esta este estos ha
hay las lo los más mas muy no nuestra nuestro nuestros o para pero por ser sin sobre su sus también todo todos una uno
unos y ya ao aos às as até com da do dos e em era essa esse eu foi já na nas não nossa nosso os pela pelo sem seu sua
são também uma você agli alla alle anche che chi ci dal dalla degli dei della delle di è gli i ma nei nel nella noi
non per più si sono sul sulla tra aan bij dat deze dit door een haar het hij hoe is kan maar meer met naar niet of om
ons onze ook op over te tot uit van veel voor wat we wij worden zijn
"""
_OF_COMPANIES = """
company companies firm business businesses organization organisation corporation inc llc ltd gmbh corp co based
founded established headquartered headquarters founder founders since year years provide provides providing provider
providers offer offers offering offerings help helps helping enable enables enabling deliver delivers delivering
leading leader world worlds today mission vision team teams client clients customer customers www http https com html
amp nbsp
"""
STOP_WORDS: frozenset[str] = frozenset(" ".join((_ENGLISH, _OTHER_LANGUAGES, _OF_COMPANIES)).split())

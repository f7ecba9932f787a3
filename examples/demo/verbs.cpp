#include "examples/demo/lexicon.h"

namespace demo {

namespace {

constexpr auto kDative = Case::dative;

// clang-format off
constexpr Verb kTransitiveVerbs[] = {
    {{"read", "reads", "read", "read", "reading"}, {"", "lesen", "lese", "liest", "gelesen"}, {.object = kText}},
    {{"write", "writes", "wrote", "written", "writing"}, {"", "schreiben", "schreibe", "schreibt", "geschrieben"}, {.object = kText}},
    {{"buy", "buys", "bought", "bought", "buying"}, {"", "kaufen", "kaufe", "kauft", "gekauft"}, {.object = kThing | kVehicle}},
    {{"sell", "sells", "sold", "sold", "selling"}, {"", "verkaufen", "verkaufe", "verkauft", "verkauft"}, {.object = kThing | kVehicle | kBuilding}},
    {{"see", "sees", "saw", "seen", "seeing"}, {"", "sehen", "sehe", "sieht", "gesehen"}, {.object = kPerson | kAnimal | kThing | kVehicle | kBuilding, .lasting = false}},
    {{"find", "finds", "found", "found", "finding"}, {"", "finden", "finde", "findet", "gefunden"}, {.object = kThing | kText, .lasting = false}},
    {{"look", "looks", "looked", "looked", "looking"}, {"", "suchen", "suche", "sucht", "gesucht"}, {.object = kPerson | kThing | kAnimal, .particle = "for"}},
    {{"visit", "visits", "visited", "visited", "visiting"}, {"", "besuchen", "besuche", "besucht", "besucht"}, {.object = kPerson}},
    {{"repair", "repairs", "repaired", "repaired", "repairing"}, {"", "reparieren", "repariere", "repariert", "repariert"}, {.object = kDevice | kVehicle}},
    {{"clean", "cleans", "cleaned", "cleaned", "cleaning"}, {"", "reinigen", "reinige", "reinigt", "gereinigt"}, {.object = kBuilding | kOpening}},
    {{"wash", "washes", "washed", "washed", "washing"}, {"", "waschen", "wasche", "wäscht", "gewaschen"}, {.object = kVehicle | kClothing}},
    {{"eat", "eats", "ate", "eaten", "eating"}, {"", "essen", "esse", "isst", "gegessen"}, {.object = kFood}},
    {{"drink", "drinks", "drank", "drunk", "drinking"}, {"", "trinken", "trinke", "trinkt", "getrunken"}, {.object = kDrink}},
    {{"order", "orders", "ordered", "ordered", "ordering"}, {"", "bestellen", "bestelle", "bestellt", "bestellt"}, {.object = kFood | kDrink | kDevice}},
    {{"draw", "draws", "drew", "drawn", "drawing"}, {"", "zeichnen", "zeichne", "zeichnet", "gezeichnet"}, {.object = kAnimal | kBuilding | kThing}},
    {{"photograph", "photographs", "photographed", "photographed", "photographing"}, {"", "fotografieren", "fotografiere", "fotografiert", "fotografiert"}, {.object = kPerson | kAnimal | kBuilding}},
    {{"know", "knows", "knew", "known", "knowing"}, {"", "kennen", "kenne", "kennt", "gekannt"}, {.object = kPerson, .lasting = false}},
    {{"meet", "meets", "met", "met", "meeting"}, {"", "treffen", "treffe", "trifft", "getroffen"}, {.object = kPerson}},
    {{"greet", "greets", "greeted", "greeted", "greeting"}, {"", "grüßen", "grüße", "grüßt", "gegrüßt"}, {.object = kPerson, .lasting = false}},
    {{"love", "loves", "loved", "loved", "loving"}, {"", "lieben", "liebe", "liebt", "geliebt"}, {.object = kPerson | kAnimal, .lasting = false}},
    {{"hear", "hears", "heard", "heard", "hearing"}, {"", "hören", "höre", "hört", "gehört"}, {.object = kPerson | kAnimal, .lasting = false}},
    {{"understand", "understands", "understood", "understood", "understanding"}, {"", "verstehen", "verstehe", "versteht", "verstanden"}, {.object = kPerson | kText, .lasting = false}},
    {{"forget", "forgets", "forgot", "forgotten", "forgetting"}, {"", "vergessen", "vergesse", "vergisst", "vergessen"}, {.object = kThing | kEvent, .lasting = false}},
    {{"lose", "loses", "lost", "lost", "losing"}, {"", "verlieren", "verliere", "verliert", "verloren"}, {.object = kThing, .lasting = false}},
    {{"need", "needs", "needed", "needed", "needing"}, {"", "brauchen", "brauche", "braucht", "gebraucht"}, {.object = kThing | kVehicle, .lasting = false}},
    {{"use", "uses", "used", "used", "using"}, {"", "benutzen", "benutze", "benutzt", "benutzt"}, {.object = kDevice | kVehicle}},
    {{"carry", "carries", "carried", "carried", "carrying"}, {"", "tragen", "trage", "trägt", "getragen"}, {.object = kThing}},
    {{"wear", "wears", "wore", "worn", "wearing"}, {"", "tragen", "trage", "trägt", "getragen"}, {.object = kClothing}},
    {{"build", "builds", "built", "built", "building"}, {"", "bauen", "baue", "baut", "gebaut"}, {.object = kBuilding}},
    {{"hide", "hides", "hid", "hidden", "hiding"}, {"", "verstecken", "verstecke", "versteckt", "versteckt"}, {.object = kThing | kAnimal}},
    {{"steal", "steals", "stole", "stolen", "stealing"}, {"", "stehlen", "stehle", "stiehlt", "gestohlen"}, {.object = kThing | kVehicle, .lasting = false}},
    {{"sign", "signs", "signed", "signed", "signing"}, {"", "unterschreiben", "unterschreibe", "unterschreibt", "unterschrieben"}, {.object = kText}},
    {{"translate", "translates", "translated", "translated", "translating"}, {"", "übersetzen", "übersetze", "übersetzt", "übersetzt"}, {.object = kText}},
    {{"check", "checks", "checked", "checked", "checking"}, {"", "prüfen", "prüfe", "prüft", "geprüft"}, {.object = kText | kDevice}},
    {{"borrow", "borrows", "borrowed", "borrowed", "borrowing"}, {"aus", "leihen", "leihe", "leiht", "ausgeliehen"}, {.object = kThing | kVehicle}},
    {{"open", "opens", "opened", "opened", "opening"}, {"auf", "machen", "mache", "macht", "aufgemacht"}, {.object = kOpening}},
    {{"close", "closes", "closed", "closed", "closing"}, {"zu", "machen", "mache", "macht", "zugemacht"}, {.object = kOpening}},
    {{"switch", "switches", "switched", "switched", "switching"}, {"ein", "schalten", "schalte", "schaltet", "eingeschaltet"}, {.object = kDevice, .particle = "on", .movable = true}},
    {{"switch", "switches", "switched", "switched", "switching"}, {"aus", "schalten", "schalte", "schaltet", "ausgeschaltet"}, {.object = kDevice, .particle = "off", .movable = true}},
    {{"pick", "picks", "picked", "picked", "picking"}, {"ab", "holen", "hole", "holt", "abgeholt"}, {.object = kPerson, .particle = "up", .movable = true}},
    {{"call", "calls", "called", "called", "calling"}, {"an", "rufen", "rufe", "ruft", "angerufen"}, {.object = kPerson}},
    {{"invite", "invites", "invited", "invited", "inviting"}, {"ein", "laden", "lade", "lädt", "eingeladen"}, {.object = kPerson}},
    {{"bring", "brings", "brought", "brought", "bringing"}, {"mit", "bringen", "bringe", "bringt", "mitgebracht"}, {.object = kThing | kFood, .particle = "along", .movable = true}},
    {{"take", "takes", "took", "taken", "taking"}, {"mit", "nehmen", "nehme", "nimmt", "mitgenommen"}, {.object = kThing | kAnimal, .particle = "along", .movable = true}},
    {{"throw", "throws", "threw", "thrown", "throwing"}, {"weg", "werfen", "werfe", "wirft", "weggeworfen"}, {.object = kThing, .particle = "away", .movable = true}},
    {{"unpack", "unpacks", "unpacked", "unpacked", "unpacking"}, {"aus", "packen", "packe", "packt", "ausgepackt"}, {.object = kThing}},
    {{"put", "puts", "put", "put", "putting"}, {"an", "ziehen", "ziehe", "zieht", "angezogen"}, {.object = kClothing, .particle = "on", .movable = true}},
    {{"try", "tries", "tried", "tried", "trying"}, {"an", "probieren", "probiere", "probiert", "anprobiert"}, {.object = kClothing, .particle = "on", .movable = true}},
    {{"look", "looks", "looked", "looked", "looking"}, {"", "betrachten", "betrachte", "betrachtet", "betrachtet"}, {.object = kAnimal | kThing | kBuilding, .particle = "at"}},
    {{"organise", "organises", "organised", "organised", "organising"}, {"", "organisieren", "organisiere", "organisiert", "organisiert"}, {.object = kEvent}},
    {{"prepare", "prepares", "prepared", "prepared", "preparing"}, {"vor", "bereiten", "bereite", "bereitet", "vorbereitet"}, {.object = kEvent}},
    {{"cancel", "cancels", "cancelled", "cancelled", "cancelling"}, {"ab", "sagen", "sage", "sagt", "abgesagt"}, {.object = kEvent, .lasting = false}},
    {{"postpone", "postpones", "postponed", "postponed", "postponing"}, {"", "verschieben", "verschiebe", "verschiebt", "verschoben"}, {.object = kEvent, .lasting = false}},
    {{"miss", "misses", "missed", "missed", "missing"}, {"", "verpassen", "verpasse", "verpasst", "verpasst"}, {.object = kEvent, .lasting = false}},
    {{"help", "helps", "helped", "helped", "helping"}, {"", "helfen", "helfe", "hilft", "geholfen"}, {.object = kPerson, .object_case = kDative}},
    {{"thank", "thanks", "thanked", "thanked", "thanking"}, {"", "danken", "danke", "dankt", "gedankt"}, {.object = kPerson, .object_case = kDative, .lasting = false}},
    {{"follow", "follows", "followed", "followed", "following"}, {"", "folgen", "folge", "folgt", "gefolgt"}, {.with_sein = true, .object = kPerson | kAnimal | kVehicle, .object_case = kDative}},
    {{"answer", "answers", "answered", "answered", "answering"}, {"", "antworten", "antworte", "antwortet", "geantwortet"}, {.object = kPerson, .object_case = kDative, .lasting = false}},
    {{"trust", "trusts", "trusted", "trusted", "trusting"}, {"", "vertrauen", "vertraue", "vertraut", "vertraut"}, {.object = kPerson, .object_case = kDative, .lasting = false}},
    {{"listen", "listens", "listened", "listened", "listening"}, {"zu", "hören", "höre", "hört", "zugehört"}, {.object = kPerson, .object_case = kDative, .particle = "to"}},
    {{"congratulate", "congratulates", "congratulated", "congratulated", "congratulating"}, {"", "gratulieren", "gratuliere", "gratuliert", "gratuliert"}, {.object = kPerson, .object_case = kDative, .lasting = false}},
    {{"wait", "waits", "waited", "waited", "waiting"}, {"", "warten", "warte", "wartet", "gewartet"}, {.object = kPerson, .particle = "for", .preposition = "auf"}},
    {{"think", "thinks", "thought", "thought", "thinking"}, {"", "denken", "denke", "denkt", "gedacht"}, {.object = kPerson | kEvent, .particle = "of", .preposition = "an"}},
    {{"talk", "talks", "talked", "talked", "talking"}, {"", "sprechen", "spreche", "spricht", "gesprochen"}, {.object = kPerson | kText | kEvent, .particle = "about", .preposition = "über"}},
    {{"talk", "talks", "talked", "talked", "talking"}, {"", "sprechen", "spreche", "spricht", "gesprochen"}, {.object = kPerson, .object_case = kDative, .particle = "to", .preposition = "mit"}},
    {{"laugh", "laughs", "laughed", "laughed", "laughing"}, {"", "lachen", "lache", "lacht", "gelacht"}, {.object = kPerson | kText, .particle = "at", .preposition = "über"}},
    {{"ask", "asks", "asked", "asked", "asking"}, {"", "fragen", "frage", "fragt", "gefragt"}, {.object = kPerson | kEvent, .object_case = kDative, .particle = "about", .preposition = "nach", .lasting = false}},
    {{"dream", "dreams", "dreamt", "dreamt", "dreaming"}, {"", "träumen", "träume", "träumt", "geträumt"}, {.object = kVehicle | kBuilding, .object_case = kDative, .particle = "of", .preposition = "von"}},
    {{"take", "takes", "took", "taken", "taking"}, {"teil", "nehmen", "nehme", "nimmt", "teilgenommen"}, {.object = kEvent, .object_case = kDative, .particle = "part in", .preposition = "an"}},
    {{"look", "looks", "looked", "looked", "looking"}, {"auf", "passen", "passe", "passt", "aufgepasst"}, {.object = kAnimal, .particle = "after", .preposition = "auf"}},
    {{"play", "plays", "played", "played", "playing"}, {"", "spielen", "spiele", "spielt", "gespielt"}, {.object = kAnimal, .object_case = kDative, .particle = "with", .preposition = "mit"}},
};

constexpr Verb kIntransitiveVerbs[] = {
    {{"sleep", "sleeps", "slept", "slept", "sleeping"}, {"", "schlafen", "schlafe", "schläft", "geschlafen"}},
    {{"work", "works", "worked", "worked", "working"}, {"", "arbeiten", "arbeite", "arbeitet", "gearbeitet"}},
    {{"laugh", "laughs", "laughed", "laughed", "laughing"}, {"", "lachen", "lache", "lacht", "gelacht"}},
    {{"cry", "cries", "cried", "cried", "crying"}, {"", "weinen", "weine", "weint", "geweint"}},
    {{"dance", "dances", "danced", "danced", "dancing"}, {"", "tanzen", "tanze", "tanzt", "getanzt"}},
    {{"sing", "sings", "sang", "sung", "singing"}, {"", "singen", "singe", "singt", "gesungen"}},
    {{"swim", "swims", "swam", "swum", "swimming"}, {"", "schwimmen", "schwimme", "schwimmt", "geschwommen"}, {.with_sein = true}},
    {{"smile", "smiles", "smiled", "smiled", "smiling"}, {"", "lächeln", "lächle", "lächelt", "gelächelt"}},
    {{"wait", "waits", "waited", "waited", "waiting"}, {"", "warten", "warte", "wartet", "gewartet"}},
    {{"cook", "cooks", "cooked", "cooked", "cooking"}, {"", "kochen", "koche", "kocht", "gekocht"}},
    {{"run", "runs", "ran", "run", "running"}, {"", "laufen", "laufe", "läuft", "gelaufen"}, {.with_sein = true}},
    {{"stay", "stays", "stayed", "stayed", "staying"}, {"", "bleiben", "bleibe", "bleibt", "geblieben"}, {.with_sein = true}},
    {{"get", "gets", "got", "got", "getting"}, {"auf", "stehen", "stehe", "steht", "aufgestanden"}, {.with_sein = true, .particle = "up", .lasting = false}},
    {{"fall", "falls", "fell", "fallen", "falling"}, {"ein", "schlafen", "schlafe", "schläft", "eingeschlafen"}, {.with_sein = true, .particle = "asleep", .lasting = false}},
    {{"wake", "wakes", "woke", "woken", "waking"}, {"auf", "wachen", "wache", "wacht", "aufgewacht"}, {.with_sein = true, .particle = "up", .lasting = false}},
    {{"arrive", "arrives", "arrived", "arrived", "arriving"}, {"an", "kommen", "komme", "kommt", "angekommen"}, {.with_sein = true, .lasting = false}},
    {{"celebrate", "celebrates", "celebrated", "celebrated", "celebrating"}, {"", "feiern", "feiere", "feiert", "gefeiert"}},
    {{"study", "studies", "studied", "studied", "studying"}, {"", "lernen", "lerne", "lernt", "gelernt"}},
    {{"sit", "sits", "sat", "sat", "sitting"}, {"", "sitzen", "sitze", "sitzt", "gesessen"}},
    {{"play", "plays", "played", "played", "playing"}, {"", "spielen", "spiele", "spielt", "gespielt"}},
};

constexpr Verb kGivingVerbs[] = {
    {{"give", "gives", "gave", "given", "giving"}, {"", "geben", "gebe", "gibt", "gegeben"}, {.object = kThing | kText}},
    {{"show", "shows", "showed", "shown", "showing"}, {"", "zeigen", "zeige", "zeigt", "gezeigt"}, {.object = kThing | kText | kBuilding}},
    {{"send", "sends", "sent", "sent", "sending"}, {"", "schicken", "schicke", "schickt", "geschickt"}, {.object = kThing | kText}},
    {{"sell", "sells", "sold", "sold", "selling"}, {"", "verkaufen", "verkaufe", "verkauft", "verkauft"}, {.object = kThing | kVehicle}},
    {{"lend", "lends", "lent", "lent", "lending"}, {"", "leihen", "leihe", "leiht", "geliehen"}, {.object = kThing | kVehicle}},
    {{"bring", "brings", "brought", "brought", "bringing"}, {"", "bringen", "bringe", "bringt", "gebracht"}, {.object = kThing | kFood | kDrink}},
    {{"offer", "offers", "offered", "offered", "offering"}, {"an", "bieten", "biete", "bietet", "angeboten"}, {.object = kFood | kDrink | kVehicle}},
    {{"promise", "promises", "promised", "promised", "promising"}, {"", "versprechen", "verspreche", "verspricht", "versprochen"}, {.object = kThing | kAnimal, .lasting = false}},
};

constexpr Verb kMotionVerbs[] = {
    {{"go", "goes", "went", "gone", "going"}, {"", "gehen", "gehe", "geht", "gegangen"}, {.with_sein = true}},
    {{"drive", "drives", "drove", "driven", "driving"}, {"", "fahren", "fahre", "fährt", "gefahren"}, {.with_sein = true}},
    {{"run", "runs", "ran", "run", "running"}, {"", "laufen", "laufe", "läuft", "gelaufen"}, {.with_sein = true}},
    {{"come", "comes", "came", "come", "coming"}, {"", "kommen", "komme", "kommt", "gekommen"}, {.with_sein = true}},
    {{"hurry", "hurries", "hurried", "hurried", "hurrying"}, {"", "eilen", "eile", "eilt", "geeilt"}, {.with_sein = true}},
    {{"return", "returns", "returned", "returned", "returning"}, {"zurück", "kehren", "kehre", "kehrt", "zurückgekehrt"}, {.with_sein = true}},
};

constexpr Verb kTravelVerbs[] = {
    {{"travel", "travels", "travelled", "travelled", "travelling"}, {"", "reisen", "reise", "reist", "gereist"}, {.with_sein = true}},
    {{"fly", "flies", "flew", "flown", "flying"}, {"", "fliegen", "fliege", "fliegt", "geflogen"}, {.with_sein = true}},
    {{"drive", "drives", "drove", "driven", "driving"}, {"", "fahren", "fahre", "fährt", "gefahren"}, {.with_sein = true}},
    {{"move", "moves", "moved", "moved", "moving"}, {"", "ziehen", "ziehe", "zieht", "gezogen"}, {.with_sein = true}},
    {{"return", "returns", "returned", "returned", "returning"}, {"zurück", "kehren", "kehre", "kehrt", "zurückgekehrt"}, {.with_sein = true}},
};

// clang-format on

}  // namespace

std::span<const Verb> transitive_verbs() {
  return kTransitiveVerbs;
}
std::span<const Verb> intransitive_verbs() {
  return kIntransitiveVerbs;
}
std::span<const Verb> giving_verbs() {
  return kGivingVerbs;
}
std::span<const Verb> motion_verbs() {
  return kMotionVerbs;
}
std::span<const Verb> travel_verbs() {
  return kTravelVerbs;
}

}  // namespace demo

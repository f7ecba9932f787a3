#include "examples/demo/unusual_words.h"

#include <string_view>
#include <vector>

namespace demo {

namespace {

using dragoman::Random;

/// Beginnings, middles and ends of words, parted by spaces.
struct Script {
  std::string_view starts;
  std::string_view middles;
  std::string_view ends;
};

constexpr Script kScripts[] = {
    {"Ива Петро Соко Мир Кова Заха Лебе Тара Бог Вяче Жда Шев Юрь Цве Яро Хме Эль",
     "но ле ри ду ша зи мы ка ств гу пё", "в ский енко град ова ич цын жев щук"},
    {"Παπα Νικο Γεω Δημη Θεο Αλε Βασ Κων Ξεν Φιλ Χρι Ψαρ Ζαχ Μαυ",
     "δο στα λι ργι τρα φη ξάν βου κύ ρω", "πουλος ίδης άκης ιάς έα ούση ων"},
    {"李 王 张 陈 刘 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧",
     "明 华 建 国 文 小 志 晓 玉 春 海 秀 雪 庆 永 俊 思 雨 佳 子 梓 浩 宇 天 振",
     "强 芳 伟 敏 静 丽 磊 洋 勇 艳 杰 娟 涛 超 霞 平 刚 桂 梅 兰 峰 鹏 龙 婷 轩"},
    {"田 山 佐 鈴 高 渡 伊 中 小 加 吉 井 木 清 斎 松 橋 石 前 藤",
     "なか もと ゆき ひろ さく たけ みず あお ほし のぶ", "子 美 郎 太 ナ カズ リエ 夫 介 香"},
    {"トヨ ミカ サト ヤマ ナカ ホン スズ カワ タケ ムラ", "ノ ダ シ モ ケ ゼ ル フ ピ ワ ョ",
     "ッコ ード ラン リス メーカ ポート ンガ ヒロ"},
    {"김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황", "민 서 지 현 수 준 영 하 은 도 태 유 재",
     "호 연 아 석 진 우 희 빈 경 원 철 숙"},
    {"الحـ محمو عبد يوس سلي خال فاط زين نور إبر مصط", "دا لي رح ما هي سو قر طو جم شه",
     "ن ري د وي لة ني ب ش عي"},
    {"אבר דוד שלמ יוס מרד יעק רבק נחמ צבי גול", "ה ו נב רי לא טו קס פי חנ", "ן ם ש ביץ מן סקי ת"},
    {"สม วิ ประ ชัย นภา ธน กิต อนุ พร ศิ", "ศัก ชา รัต ทิ ลัก มาศ ภัท ณี วร", "ดิ์ พงษ์ กุล ตน์ สุข นันท์ ยา"},
    {"राम शर्मा विक् सुनी अनि प्रिया गोपा देवे लक्ष् मोह", "ता नी रे का दा पू शे ला भू",
     "ल न्द्र वी कर सिंह राज या"},
    {"გიორ ნინ ლევ თამ ვახ ზურ ქეთ მიხ შოთ", "გა ტა ელ ბერ ნი რო დუ ხი", "ძე შვილი ია ური ავა ნა"},
    {"Հով Արա Գրի Տիգ Վար Նար Սահ Մես", "հա նե գո րա կի դու թե", "յան նյան ուշ իկ ենց"},
    {"தமி முரு செல் கும லட் அரு", "ழ கா வி ரை சு மே", "ன் ல் ரன் யா மி ணி"},
    {"አበ ተስ ገብ መሐ ሰላ ዳዊ", "ፋ በ ረ ለ ሚ ቱ", "ዬ ት ም ሰ ን"},
};

constexpr Script kForeign = {
    "Kw Ts Nd Mb Chv Dz Rz Wy Xh Qu Ng Sv Vr Cz Ye Ju Ža Šu Čo Øy Åk Éd Łu Ñu Ğa Ío Zhu Thr Ola "
    "Ife",
    "a e i o u y á é í ó ø å ę ã õ aa ou ya ji ex ąw ůp ëf îv",
    "shkova ntić ndrski kwele zhaj lvsson rrez tsoğlu thwa ppães ckő qvist jaki xoco "
    "mbwe yđa nkħal lþor zsény dřich"};

constexpr std::string_view kEmoji =
    "😀 😂 😍 😎 🤔 😴 😡 🥳 😱 🙄 🤖 👻 "
    "👽 💀 👍 👎 👏 🙏 💪 👋 ✌️ ❤️ 💙 💔 "
    "🔥 ✨ 🎉 🎂 🎁 🎈 🎄 🎃 🎵 🎸 🎨 🏆 "
    "⚽ 🏀 🎾 🎲 🚀 🚗 🚲 🚂 ⛵ 🏠 🏰 🌋 "
    "🌈 ☀️ ⛄ ⚡ 🌊 🌵 🌻 🍄 🍎 🍕 🍔 🍩 "
    "🍣 🍺 ☕ 🐶 🐱 🦊 🐻 🐼 🐸 🐙 🦄 🐝 "
    "🦋 🐢 🐍 🦖 🐳 🦜 📱 💻 📷 💡 📚 ✏️ "
    "📌 🔑 🔒 🔔 ⏰ 💰 💎 🧲 🧪 🧩 🧵 🪁 "
    "🪴 🥝 🥐 🥨 🧀 🦞 🫐 🪐 ♻️ ✅ ❌ ❓ "
    "🇯🇵 🇧🇷 🇰🇪 🇬🇷 🇫🇮 "
    "👩‍🚀 👨‍🍳 👩🏽‍🔬 👍🏽 👋🏿 🏳️‍🌈 "
    "👨‍👩‍👧";

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    found.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return found;
}

std::string_view pick(Random& random, std::string_view text) {
  const std::vector<std::string_view> choices = words(text);
  return choices[random.below(choices.size())];
}

std::string word_of(Random& random, const Script& script) {
  std::string word(pick(random, script.starts));
  word += pick(random, script.middles);
  return word.append(pick(random, script.ends));
}

std::string digits(Random& random, std::uint64_t count) {
  std::string text(1, static_cast<char>('1' + random.below(9)));
  while (text.size() < count)
    text += static_cast<char>('0' + random.below(10));
  return text;
}

std::string characters(Random& random, std::string_view from, std::size_t count) {
  std::string text;
  while (text.size() < count)
    text += from[random.below(from.size())];
  return text;
}

}  // namespace

std::string script_word(Random& random) {
  return word_of(random, kScripts[random.below(std::size(kScripts))]);
}

std::string foreign_name(Random& random) {
  return word_of(random, kForeign);
}

std::string emoji(Random& random) {
  std::string text;
  for (std::uint64_t left = 1 + random.below(3); left > 0; --left)
    text += pick(random, kEmoji);
  return text;
}

std::string odd_token(Random& random) {
  constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz";
  const std::string front = characters(random, kCapitals, 1 + random.below(2));
  const std::string number = digits(random, 4 + random.below(2));
  const std::string small = characters(random, kSmall, 2);
  switch (random.below(5)) {
    case 0:
      return front + number.substr(0, 2) + "#" + number.substr(2);
    case 1:
      return "v" + number.substr(0, 1) + "." + number.substr(1, 2) + "." + number.substr(3);
    case 2:
      return small + "_" + number + (random.below(2) == 0 ? ".pdf" : ".zip");
    case 3:
      return front + "/" + number + small;
    default:
      return number + "-" + front;
  }
}

}  // namespace demo

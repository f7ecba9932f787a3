"""What Python makes of the same bytes.

text_reference.py repair IN OUT           decodes UTF-8 with replacement, without NUL
text_reference.py encode MODEL IN OUT     ids of every line of IN, by the sentencepiece package
"""

import sys


def main():
    mode, arguments = sys.argv[1], sys.argv[2:]
    if mode == "repair":
        with open(arguments[0], "rb") as file:
            text = file.read().decode("utf-8", errors="replace").replace("\0", "")
        with open(arguments[1], "wb") as file:
            file.write(text.encode("utf-8"))
    if mode == "encode":
        import sentencepiece

        processor = sentencepiece.SentencePieceProcessor(model_file=arguments[0])
        with open(arguments[1], encoding="utf-8", newline="\n") as file:
            lines = file.read().split("\n")[:-1]
        with open(arguments[2], "w", encoding="utf-8") as file:
            for line in lines:
                file.write(" ".join(str(i) for i in processor.encode(line)) + "\n")


main()

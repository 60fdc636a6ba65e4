"""The extractor of this sample in Python: it counts the words of texts."""

from dataclasses import dataclass

from sluice import IO, IOVal, Worker, pascal_case

worker = Worker(names=pascal_case)


@dataclass
class FileText:
    number: int
    text: str


@dataclass
class FileWords:
    number: int
    words: int


@worker.processor(inputs=["texts"], outputs=["counts"])
async def extract(texts: IO[FileText]):
    async for file in texts.stream():
        yield IOVal("counts", FileWords(file.number, len(file.text.split())))

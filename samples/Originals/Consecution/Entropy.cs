using Sluice;

namespace Originals.Consecution;

/// <summary>The original's first README: the entropy of the words and of the letters of a batch of files, by two branches that meet in a
/// printer.</summary>
internal static class Entropy
{
    private sealed class EntropyNode<T> : StageNode<T, (string Name, double Entropy)> where T : notnull
    {
        private readonly Dictionary<T, int> counts = [];
        private int total;

        protected override ValueTask ProcessAsync(T item, Output<(string Name, double Entropy)> output, CancellationToken cancellation)
        {
            counts[item] = counts.GetValueOrDefault(item) + 1;
            total++;
            return default;
        }

        protected override ValueTask EndAsync(Output<(string Name, double Entropy)> output, CancellationToken cancellation)
            => output.PushAsync((Name, counts.Values.Select(count => count / (double)total).Sum(p => -p * Math.Log(p))));
    }

    private static IEnumerable<string> Words(string line)
    {
        foreach (string word in line.Split(' ', StringSplitOptions.RemoveEmptyEntries)) yield return word;
    }

    private static IEnumerable<char> LettersFromWord(string word)
    {
        foreach (char letter in word) yield return letter;
    }

    public static async Task RunAsync()
    {
        string directory = Directory.CreateTempSubdirectory("sluice-originals-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "one.txt"), "ab ab\n\ncd\n");
            await File.WriteAllTextAsync(Path.Combine(directory, "two.txt"), "  cd\n");

            List<string> printed = [];
            Pipeline pipeline = Source.From(Directory.GetFiles(directory, "*.txt"))
                | File.ReadLines | Stage.Named("lines_from_file_name")
                | Words | Stage.Named("words_from_line")
                | [
                    s => s | StageNode.Of(() => new EntropyNode<string>()) | Stage.Named("word_entropy"),
                    s => s | LettersFromWord | StageNode.Of(() => new EntropyNode<char>()) | Stage.Named("letter_entropy"),
                ]
                | (item => printed.Add($"Entropy for {item.Name} is {item.Entropy:0.0000}"));
            await pipeline.RunAsync(Log.SingleThread);

            // Two words, and four letters, each as frequent as the other: ln 2 and ln 4.
            Check.Lines("Entropy for letter_entropy is 1.3863\nEntropy for word_entropy is 0.6931", printed.Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}

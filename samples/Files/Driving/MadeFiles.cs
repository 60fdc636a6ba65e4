using System.Globalization;

namespace Files.Driving;

/// <summary>Files of the sample's own: text, nine in ten shorter than 16 KB, the rest up to 1 MB.</summary>
internal sealed class MadeFiles : IDisposable
{
    private const int Small = 16 << 10;
    private const int Large = 1 << 20;
    private const int InDirectory = 500;
    private readonly bool keep;
    private readonly int[] words;

    private MadeFiles(string directory, int count, bool keep) => (Directory, words, this.keep) = (directory, new int[count], keep);

    /// <summary>The number of a file, by its path.</summary>
    public static int NumberOf(string path) => int.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);

    public string Directory { get; }

    /// <summary>The number of words of each file, by its number.</summary>
    public IReadOnlyList<int> Words => words;

    /// <summary>Makes them. The same seed makes the same files.</summary>
    public static MadeFiles Make(int count, int seed, bool keep, CancellationToken cancellation)
    {
        var made = new MadeFiles(System.IO.Directory.CreateTempSubdirectory("files-").FullName, count, keep);
        try
        {
            var random = new Random(seed);
            byte[] text = new byte[Large];
            int length = Fill(text, random);
            for (int number = 0; number < count; number++)
            {
                cancellation.ThrowIfCancellationRequested();
                string directory = Path.Combine(made.Directory, (number / InDirectory).ToString("D4", CultureInfo.InvariantCulture));
                if (number % InDirectory == 0) System.IO.Directory.CreateDirectory(directory);
                int size = random.Next(10) > 0 ? random.Next(Small) : random.Next(Small, Large + 1);
                int start = random.Next(length - size + 1);
                using FileStream file = new(Path.Combine(directory, $"{number:D6}.txt"), FileMode.CreateNew, FileAccess.Write,
                    FileShare.None, bufferSize: 0);
                file.Write(text.AsSpan(start, size));
                made.words[number] = Count(text.AsSpan(start, size));
            }
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!keep && System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
    }

    // Not by the code that is checked with it.
    private static int Count(ReadOnlySpan<byte> text)
    {
        int count = 0;
        for (int at = 0; at < text.Length; at++)
            if (text[at] > ' ' && (at == 0 || text[at - 1] <= ' ')) count++;
        return count;
    }

    // Each file is a piece of one long text: words of 1 to 12 letters, one to three spaces or line ends between them. ASCII, so that every
    // piece is UTF-8.
    private static int Fill(Span<byte> text, Random random)
    {
        int at = 0;
        while (at < text.Length)
        {
            for (int letters = random.Next(1, 13); letters > 0 && at < text.Length; letters--) text[at++] = (byte)random.Next('a', 'z' + 1);
            for (int spaces = random.Next(8) == 0 ? random.Next(2, 4) : 1; spaces > 0 && at < text.Length; spaces--)
                text[at++] = (byte)(random.Next(10) == 0 ? '\n' : ' ');
        }
        return at;
    }
}

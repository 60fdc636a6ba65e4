using System.Globalization;
using System.Text;

namespace Words.Driving;

/// <summary>Files of the sample's own, and how many words each has.</summary>
internal sealed class MadeFiles : IDisposable
{
    private const int LongestText = 16 << 10, FilesInDirectory = 500;

    private static readonly string[] Spaces = [" ", "  ", "\n", "\t"];

    private MadeFiles(int count) => Words = new long[count];

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("words-").FullName;

    /// <summary>The number of words of each file, in the order of the files' paths.</summary>
    public long[] Words { get; }

    /// <summary>Makes files. The same seed makes the same.</summary>
    public static MadeFiles Make(int count, int seed, CancellationToken cancellation)
    {
        var made = new MadeFiles(count);
        try
        {
            var random = new Random(seed);
            for (int number = 0; number < count; number++)
            {
                cancellation.ThrowIfCancellationRequested();
                string directory = Path.Combine(made.Directory, (number / FilesInDirectory).ToString("D4", CultureInfo.InvariantCulture));
                if (number % FilesInDirectory == 0) System.IO.Directory.CreateDirectory(directory);
                var text = new StringBuilder();
                for (int length = random.Next(LongestText); text.Length < length; made.Words[number]++)
                {
                    for (int letters = random.Next(1, 13); letters > 0; letters--) text.Append((char)random.Next('a', 'z' + 1));
                    text.Append(Spaces[random.Next(8) == 0 ? random.Next(Spaces.Length) : 0]);
                }
                File.WriteAllText(Path.Combine(directory, $"{number:D7}.txt"), text.ToString());
            }
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}

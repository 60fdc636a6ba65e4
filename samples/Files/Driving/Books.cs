using System.Collections;
using Files.Processors;

namespace Files.Driving;

/// <summary>Counts what has come out of the flow against what has gone in. A bit for each file, so that it does not grow with their
/// names.</summary>
/// <remarks>Written by one party; its numbers may be read by any.</remarks>
/// <param name="expected">The number of words of a file, by its path; null if it is not known.</param>
internal sealed class Books(Func<string, int>? expected)
{
    private const int MostNamed = 100;
    private readonly BitArray seen = new(1024);

    public int Indexed { get; private set; }

    public int Failed { get; private set; }

    public int Duplicated { get; private set; }

    public long Words { get; private set; }

    /// <summary>How many files have failed, or have another number of words than expected; null if none is expected.</summary>
    public int? Wrong { get; private set; } = expected is null ? null : 0;

    /// <summary>How many entries there were.</summary>
    public int Entries { get; private set; }

    /// <summary>Files that failed, as far as they are named.</summary>
    public List<FileWords> Failures { get; } = [];

    public void Add(FileWords entry)
    {
        Entries++;
        if (seen.Length <= entry.Number) seen.Length = Math.Max(entry.Number + 1, seen.Length * 2);
        if (seen[entry.Number])
        {
            Duplicated++;
            return;
        }
        seen[entry.Number] = true;
        if (expected is not null && (entry.Trouble is not null || entry.Words != expected(entry.Path))) Wrong++;
        if (entry.Trouble is null)
        {
            Indexed++;
            Words += entry.Words;
            return;
        }
        Failed++;
        if (Failures.Count < MostNamed) Failures.Add(entry);
    }

    /// <summary>How many of so many files no entry is about.</summary>
    public int Lost(int files)
    {
        int lost = 0;
        for (int number = 0; number < files; number++)
            if (number >= seen.Length || !seen[number]) lost++;
        return lost;
    }
}

namespace Words.Driving;

/// <summary>Compares what has come out of the flow with what went in.</summary>
internal sealed class Books(long[] expected)
{
    private readonly bool[] seen = new bool[expected.Length];

    public int Files { get; private set; }

    public long Words { get; private set; }

    public int Doubled { get; private set; }

    /// <summary>The number of files with another number of words than they have.</summary>
    public int Wrong { get; private set; }

    public int Missing => expected.Length - Files;

    public void Add(FileWords entry)
    {
        if (entry.Number < 0 || entry.Number >= expected.Length || (!seen[entry.Number] && entry.Words != expected[entry.Number])) Wrong++;
        if (entry.Number < 0 || entry.Number >= expected.Length) return;
        if (seen[entry.Number]) Doubled++;
        else (seen[entry.Number], Files, Words) = (true, Files + 1, Words + entry.Words);
    }

    /// <summary>One sentence about what is not right; null if nothing is wrong.</summary>
    public string? Mistakes => Missing + Doubled + Wrong == 0 ? null
        : $"{Missing:N0} files are missing, {Doubled:N0} were counted twice, and {Wrong:N0} have another number of words.";
}

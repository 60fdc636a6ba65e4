namespace Sluice.Torture;

/// <summary>Where the parts of an item are recorded: every one of them, once, in every place.</summary>
internal static class Places
{
    /// <summary>A stream of the store: entries that are a part of the commits.</summary>
    public const string Results = "results";

    /// <summary>A file whose length is a part of the commits.</summary>
    public const string File = "lines of the file";

    /// <summary>A SQLite file that is not the store's, whose transactions are taken back if their commits were not made.</summary>
    public const string Database = "rows of the database";

    /// <summary>A table in the file of the store.</summary>
    public const string Store = "rows in the store's file";

    /// <summary>What branches that hold items have put out, and what another consecutor was fed with: items as they were accepted, each
    /// once; of some that feed the other consecutor, more than one commit holds.</summary>
    public static IReadOnlyList<Extra> Extras { get; } =
    [
        new(Extra.Chunks, NeedsState: true, static _ => 1),
        new(Extra.Windows, NeedsState: true, static _ => 1),
        new(Extra.Pairs, NeedsState: true, static number => number % 2 == 0 ? 1 : 0),
        new(Extra.Second, NeedsState: false, static number => number % 59 == 7 ? Extra.MoreThanACommit : 1),
    ];

    public static string PathOfFile(string directory) => Path.Combine(directory, "ledger");

    public static string PathOfDatabase(string directory) => Path.Combine(directory, "rows.db");

    public static IEnumerable<string> Of(Case @case, bool isSqlite)
        => [Results, File, .. @case.HasDatabase ? [Database] : Array.Empty<string>(), .. @case.HasRows && isSqlite ? [Store]
        : Array.Empty<string>()];
}

/// <summary>A branch beside the random one, and the kind of its lines in the results.</summary>
/// <param name="Name">Which.</param>
/// <param name="NeedsState">Whether it is there only in cases with state.</param>
/// <param name="Count">How many items come out of it for an item of this number.</param>
internal sealed record Extra(string Name, bool NeedsState, Func<long, int> Count)
{
    /// <summary>So many outputs of one item are spilled over several commits.</summary>
    public const int MoreThanACommit = 1100;

    public const string Chunks = "chunks";
    public const string Windows = "windows";
    public const string Pairs = "pairs";
    public const string Second = "second";
}

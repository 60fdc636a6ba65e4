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

    public static string PathOfFile(string directory) => Path.Combine(directory, "ledger");

    public static string PathOfDatabase(string directory) => Path.Combine(directory, "rows.db");

    public static IEnumerable<string> Of(Case @case, bool isSqlite)
        => [Results, File, .. @case.HasDatabase ? [Database] : Array.Empty<string>(), .. @case.HasRows && isSqlite ? [Store] : Array.Empty<string>()];
}

namespace Airports;

/// <summary>The outputs of a run, checked and open.</summary>
internal sealed class Outputs : IDisposable
{
    private Outputs(CsvOutput? file, DatabaseOutput? database) => (File, Database) = (file, database);

    /// <summary>The CSV file, or null when none is wanted.</summary>
    public CsvOutput? File { get; }

    /// <summary>The database, or null when none is wanted.</summary>
    public DatabaseOutput? Database { get; }

    /// <summary>All that there are, with the names of their nodes, in the order in which they get an item.</summary>
    public IEnumerable<(string Node, IOutput Output)> All
    {
        get
        {
            if (Database is not null) yield return ("ToDatabase", Database);
            if (File is not null) yield return ("ToFile", File);
        }
    }

    /// <summary>Looks at the names alone.</summary>
    /// <exception cref="UserMistake">A file is used for two things at once.</exception>
    public static void RejectConflicts(Options options)
    {
        RejectSame("--out", options.Out, "--airports", options.Airports);
        RejectSame("--db", options.Database, "--airports", options.Airports);
        RejectSame("--out", options.Out, "--db", options.Database);
        RejectSame("--store", options.Store?.Path, "--airports", options.Airports);
        RejectSame("--store", options.Store?.Path, "--out", options.Out);
    }

    /// <summary>Opens what the options ask for, without changing anything in it.</summary>
    /// <exception cref="UserMistake">A file cannot be written.</exception>
    public static Outputs Open(Options options)
    {
        var database = options.Database is { } databasePath ? DatabaseOutput.Open(databasePath) : null;
        try
        {
            return new Outputs(options.Out is { } path ? CsvOutput.Open(path) : null, database);
        }
        catch
        {
            database?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File?.Dispose();
        Database?.Dispose();
    }

    private static void RejectSame(string option, string? path, string otherOption, string? otherPath)
    {
        if (path is not null && otherPath is not null && Real(path) == Real(otherPath))
            throw new UserMistake($"{option} and {otherOption} are the same file: {path}.");
    }

    private static string Real(string path)
    {
        try
        {
            return System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            return path; // Not there, or a link that leads nowhere: opening it says so better.
        }
    }
}

namespace Sluice.Delivery;

/// <summary>The file of a sink, as its store knows it.</summary>
/// <remarks>The name in the store is the name of the file and its id, on two lines. Commits of earlier versions have no id.</remarks>
/// <param name="Lengths">The committed lengths of the sink, by name in the store.</param>
internal readonly record struct KnownFile(IReadOnlyDictionary<string, long> Lengths)
{
    public static string NameOf(string file, string id) => $"{file}\n{id}";

    public bool IsAny => Lengths.Count > 0;

    /// <summary>The names of the files, without ids.</summary>
    public IEnumerable<string> Names => Lengths.Keys.Select(static name => name.LastIndexOf('\n') is var end and >= 0 ? name[..end] : name);

    /// <summary>The longest committed length. A partition whose last commit was made by an earlier version has a length without an
    /// id.</summary>
    public long Length => Lengths.Values.DefaultIfEmpty().Max();

    /// <summary>The id of the file; null if only earlier versions have committed to it.</summary>
    public string? Id => Ids.FirstOrDefault();

    /// <summary>Whether the note beside a file does not say that it is another file.</summary>
    public bool IsNotedIn(FileClaim claim, string writer)
        => claim.Id is not { } id || Ids.Contains(id, StringComparer.Ordinal) || (Id is null && claim.Writer == writer);

    private IEnumerable<string> Ids
        => Lengths.Keys.Where(static name => name.Contains('\n')).Select(static name => name[(name.LastIndexOf('\n') + 1)..]);
}

namespace Sluice.Graphs;

/// <summary>The values of a dictionary of futures, by the same keys.</summary>
internal sealed class EntriesFuture<TKey, T> : JoinFuture<Dictionary<TKey, T>> where TKey : notnull
{
    private readonly TKey[] keys;
    private readonly Future<T>[] sources;
    private readonly Dictionary<TKey, T> entries;

    /// <exception cref="ArgumentException">Two keys are equal for the comparer.</exception>
    public EntriesFuture(TKey[] keys, Future<T>[] sources, IEqualityComparer<TKey>? comparer) : base(sources, evenIfFailed: false)
    {
        (this.keys, this.sources, entries) = (keys, sources, new(keys.Length, comparer));
        foreach (TKey key in keys) entries.Add(key, default!);   // keys that do not fit together are refused here, and not at the end
        Begin();
    }

    protected override Dictionary<TKey, T> Take()
    {
        for (int i = 0; i < keys.Length; i++) entries[keys[i]] = sources[i].Value!;
        return entries;
    }
}

/// <summary>The results of several records, by id.</summary>
internal sealed class ResultsFuture<T> : JoinFuture<IReadOnlyDictionary<string, T>>
{
    private readonly string[] ids;
    private readonly Future<T>[] sources;

    public ResultsFuture(string[] ids, Future<T>[] sources) : base(sources, evenIfFailed: false)
    {
        (this.ids, this.sources) = (ids, sources);
        Begin();
    }

    protected override IReadOnlyDictionary<string, T> Take()
    {
        var results = new Dictionary<string, T>(ids.Length, StringComparer.Ordinal);
        for (int i = 0; i < ids.Length; i++) results.Add(ids[i], sources[i].Value!);
        return results;
    }
}

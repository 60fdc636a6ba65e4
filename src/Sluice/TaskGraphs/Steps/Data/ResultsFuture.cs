namespace Sluice;

/// <summary>The results of several records, by their ids.</summary>
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

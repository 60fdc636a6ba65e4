using System.Collections;

namespace Sluice.Hosting;

/// <summary>A scope of the log around the code of a node: log entries get <c>Run</c>, <c>Node</c> and <c>ItemId</c>.</summary>
/// <remarks>While an output is in the next node, the scope is empty: an entry there has the names of that node only.</remarks>
internal sealed class ItemLogScope : ItemScope, IReadOnlyList<KeyValuePair<string, object?>>
{
    private readonly string run, node, id;
    private readonly IDisposable? scope;
    private volatile bool isSuspended;

    private ItemLogScope(ILogger log, string run, ItemContext item)
    {
        (this.run, node, id) = (run, item.Node, item.Id);
        scope = log.BeginScope(this);
    }

    public int Count => isSuspended ? 0 : 3;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("Run", run),
        1 => new("Node", node),
        2 => new("ItemId", id),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    /// <summary>Returns the options of a run with scopes, if the settings ask for them and the code has given none of its own.</summary>
    public static RunOptions Add(RunOptions options, string run, SluiceSettings settings, ILoggerFactory loggers)
    {
        if (!settings.LogScopes || options.BeginItem is not null) return options;
        ILogger log = loggers.CreateLogger("Sluice.Items");
        return options with { BeginItem = item => new ItemLogScope(log, run, item) };
    }

    public override void Suspend() => isSuspended = true;

    public override void Continue() => isSuspended = false;

    public override void Dispose() => scope?.Dispose();

    public override string ToString() => isSuspended ? "" : $"Run:{run} Node:{node} ItemId:{id}";

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    private const int LargestGroup = 65_536;

    /// <summary>Gathers consecutive items with equal keys into groups. A group is put out when the key changes, and at the end.</summary>
    /// <remarks>For items that are sorted or come in batches: a key that comes again later starts another group. Bounded: a group of
    /// <paramref name="maxSize"/> items is put out at once. If a run is cancelled or fails, the open group is dropped. The stage does not
    /// run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key has groups of its own, in a consecutor with a
    /// <paramref name="maxSize"/> of 1,000 at most.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="key">Returns the key of an item.</param>
    /// <param name="maxSize">The maximum number of items in a group, 1 or more.</param>
    /// <param name="comparer">Compares keys; by default, the default comparer of the type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than 1.</exception>
    [AlsoForPipes]
    public static Source<Group<TKey, T>> GroupBy<T, TKey>(
        this Source<T> source, Func<T, TKey> key, int maxSize = LargestGroup, IEqualityComparer<TKey>? comparer = null)
        => NotNull(source).Then(new GroupByOperator<T, TKey>(NotNull(key), maxSize, comparer));
}

/// <summary>Consecutive items with one key. Immutable, as far as its items are.</summary>
/// <typeparam name="TKey">The type of the key.</typeparam>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class Group<TKey, T>
{
    /// <summary>Makes a group, for example when it is read from a store.</summary>
    [System.Text.Json.Serialization.JsonConstructor]
    public Group(TKey key, IReadOnlyList<T> items) => (Key, Items) = (key, items);

    /// <summary>The key; if equal keys differ, the key of the first item.</summary>
    public TKey Key { get; }

    /// <summary>The items in the order in which they came; at least one.</summary>
    public IReadOnlyList<T> Items { get; }

    /// <summary>For example <c>ATL: 12 items</c>.</summary>
    public override string ToString() => $"{Key}: {Items.Count} item{(Items.Count == 1 ? "" : "s")}";
}

internal sealed class GroupByOperator<T, TKey> : Operator<T, Group<TKey, T>>
{
    private readonly Func<T, TKey> key;
    private readonly int maxSize;
    private readonly IEqualityComparer<TKey> comparer;

    public GroupByOperator(Func<T, TKey> key, int maxSize, IEqualityComparer<TKey>? comparer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSize, 1);
        (this.key, this.maxSize, this.comparer) = (key, maxSize, comparer ?? EqualityComparer<TKey>.Default);
    }

    public override string Kind => "group";

    public override Delegate Function => key;

    public override string Stateful => "holds the items of a run of equal keys";

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override Operator<T, Group<TKey, T>> StoredByKey
    {
        get
        {
            GatheredByKey.Check(Kind, maxSize, "GroupBy(key, maxSize: 100)");
            return new StoredByKeyOperator<T, Group<TKey, T>>(this, () => new GroupNode<T, TKey>(key, maxSize, comparer));
        }
    }

    public override StateShape Shape => new(Kind, typeof(T), 0);

    public override Inlet<T> Create(StageContext context, Inlet<Group<TKey, T>> next)
        => new GroupByStage<T, TKey>(context, next, key, maxSize, comparer);
}

internal sealed class GroupByStage<T, TKey>(
    StageContext context, Inlet<Group<TKey, T>> next, Func<T, TKey> key, int maxSize, IEqualityComparer<TKey> comparer)
    : Stage<T, Group<TKey, T>>(context, next), IStateful, IEndsInSteps
{
    private readonly StateScope? scope = context.Scope;          // in a consecutor
    private readonly List<T> items = [];
    private RememberedList? stored;
    private TKey current = default!;
    private int cut;                                 // groups of stored items since the last commit

    public bool HasMoreToEnd => items.Count >= maxSize || stored?.Gone > StateWriter.MaxSpareRows;

    public void Restore(StateReader from)
    {
        stored = new();
        items.AddRange(stored.Restore<T>(from));
        if (items.Count > 0) current = key(items[0]);
    }

    public void Save(StateWriter changes)
    {
        cut = 0;
        stored!.Save<T>(changes, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(items));
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
        => items.Count >= maxSize ? EmitFullAndAddAsync(item, ticket) : AddAsync(item, ticket);

    private ValueTask AddAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TKey itsKey;
        bool changes;
        try
        {
            itsKey = key(item);
            changes = items.Count > 0 && !comparer.Equals(current, itsKey);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);

        // At most one group comes out: if one item fills a group, no group is open when the key changes. Stored items of which a commit
        // did not take all groups are one group when the key changes.
        Group<TKey, T>? closed = changes ? Cut(items.Count) : null;
        if (items.Count == 0) current = itsKey;
        items.Add(item);
        if (items.Count == maxSize) closed = Cut(maxSize);
        return closed is null ? default : EmitAsync(closed, null);
    }

    protected override async ValueTask OnCompleteAsync()
    {
        await EmitFullAsync();
        if (items.Count is var rest && rest > 0 && rest < maxSize) await EmitAsync(Cut(rest), null);
        await Next.CompleteAsync();
    }

    private async ValueTask EmitFullAndAddAsync(T item, Ticket? ticket)
    {
        await EmitFullAsync();
        await AddAsync(item, ticket);
    }

    /// <summary>Stored items fill groups already if they were stored under a larger limit. Puts out as many as one commit takes.</summary>
    private async ValueTask EmitFullAsync()
    {
        for (; items.Count >= maxSize && !(cut >= scope?.MaxEmissions); cut++) await EmitAsync(Cut(maxSize), null);
    }

    private Group<TKey, T> Cut(int count)
    {
        var group = new Group<TKey, T>(current, [.. count == items.Count ? items : items.GetRange(0, count)]);
        items.RemoveRange(0, count);
        stored?.Clear();
        return group;
    }
}

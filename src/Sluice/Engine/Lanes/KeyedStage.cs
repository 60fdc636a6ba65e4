using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// A stateful stage in a lane behind a KeyBy: it has an instance for each key, and gives each item to the instance of its key.
/// </summary>
/// <remarks>
/// Calls do not overlap; timed instances share a gate and a clock. The number of instances is bounded: a new one replaces the least
/// recently used one, which ends and puts out the items it holds. All share the counters of the lane.
/// </remarks>
internal sealed class KeyedStage<TKey, TIn, TOut> : Inlet<TIn>, IUpstream
{
    private readonly StageContext context;
    private readonly Func<TIn, TKey> keyOf;
    private readonly int maxKeys;
    private readonly Func<StageContext, Inlet<TOut>, Inlet<TIn>> make;
    private readonly KeyedOutlet<TOut> outlet;
    private readonly Inlet<TOut> next;
    private readonly Dictionary<OneKey<TKey>, Entry> instances = [];
    private Entry? newest, oldest;                   // a linked list in the order of use
    private volatile Inlet<TIn>? current;            // the instance that the input may be waiting in
    private OneKey<TKey> present;                    // whose instance is being made or ended
    private bool hasTold;

    public KeyedStage(StageContext context, Inlet<TOut> next, Func<TIn, TKey> keyOf, int maxKeys,
        Func<StageContext, Inlet<TOut>, Inlet<TIn>> make, bool isTimed)
    {
        (this.context, this.next, this.keyOf, this.maxKeys, this.make, Node) = (context, next, keyOf, maxKeys, make, context.Node);
        outlet = new(next);
        context.KeyClock = new(context.Run);
        context.PresentKey = () => present.Value;
        if (isTimed)
        {
            context.Gate = new Gate(context.Run.Scheduler);
            context.Run.OnStop.Add(Abort);
        }
        next.Attach(this);
    }

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        Entry? entry;
        OneKey<TKey> key;
        try
        {
            key = new(keyOf(item));
            if (instances.TryGetValue(key, out entry)) Touch(entry);
            else if (instances.Count < maxKeys) entry = Add(key);
        }
        catch (Exception e)
        {
            context.In++;
            throw context.Failure(e, item, ticket);
        }
        if (entry is null) return EvictAndPushAsync(key, item, ticket);
        current = entry.Instance;
        return entry.Instance.PushAsync(item, ticket);
    }

    public override void Flush() => next.Flush();

    public void Stop() => Upstream?.Stop();

    /// <summary>Completes the instances of all keys, the least recently used first.</summary>
    protected override async ValueTask OnCompleteAsync()
    {
        for (Entry? entry = oldest; entry is not null; entry = entry.Newer)
        {
            (current, present) = (entry.Instance, entry.Key);
            await entry.Instance.CompleteAsync();
        }
        context.KeyClock!.Dispose();
        await next.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EvictAndPushAsync(OneKey<TKey> key, TIn item, Ticket? ticket)
    {
        Entry evicted = oldest!;
        Unlink(evicted);
        instances.Remove(evicted.Key);
        if (!hasTold)
        {
            hasTold = true;
            Warnings.Tell(
                $"'{context.Run.NameOf(Node)}' keeps something for each key, and there are more than {maxKeys:N0} keys in one lane: the "
                    + $"key that was used least recently has ended, and begins anew when it comes again. "
                + "If that is not meant, raise Stage.KeyBy(…, maxKeys: …).");
        }
        (current, present) = (evicted.Instance, evicted.Key);
        await evicted.Instance.CompleteAsync();
        Entry entry = Add(key);
        current = entry.Instance;
        await entry.Instance.PushAsync(item, ticket);
    }

    private Entry Add(OneKey<TKey> key)
    {
        present = key;
        var entry = new Entry(key, make(context, outlet));
        instances.Add(key, entry);
        Link(entry);
        return entry;
    }

    private void Touch(Entry entry)
    {
        if (entry == newest) return;
        Unlink(entry);
        Link(entry);
    }

    private void Link(Entry entry)
    {
        (entry.Older, entry.Newer) = (newest, null);
        if (newest is not null) newest.Newer = entry;
        newest = entry;
        oldest ??= entry;
    }

    private void Unlink(Entry entry)
    {
        if (entry.Newer is not null) entry.Newer.Older = entry.Older;
        else newest = entry.Older;
        if (entry.Older is not null) entry.Older.Newer = entry.Newer;
        else oldest = entry.Newer;
    }

    // The run stops: at most one instance has its input waiting.
    private void Abort()
    {
        context.KeyClock!.Dispose();
        Waiting(current)?.Abort();
    }

    private static IDue? Waiting(object? instance) => instance is IWraps wraps ? Waiting(wraps.Inner) : instance as IDue;

    private sealed class Entry(OneKey<TKey> key, Inlet<TIn> instance)
    {
        public OneKey<TKey> Key => key;

        public Inlet<TIn> Instance => instance;

        public Entry? Newer { get; set; }

        public Entry? Older { get; set; }
    }
}

/// <summary>
/// The outlet of the instances of one lane: the next stage has one input, and completes when all instances have completed.
/// </summary>
internal sealed class KeyedOutlet<T> : Inlet<T>
{
    private readonly Inlet<T> next;

    public KeyedOutlet(Inlet<T> next) => (this.next, Node) = (next, next.Node);

    public override bool HandsOn => next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket) => next.PushAsync(item, ticket);

    public override void Flush() => next.Flush();

    public override void Attach(IUpstream upstream) { }

    public override void ComesFrom(int from) { }

    protected override ValueTask OnCompleteAsync() => default;
}

/// <summary>A dictionary key that may be null. Equal keys have equal hashes in the sense of <see cref="StableHash"/>.</summary>
internal readonly struct OneKey<TKey>(TKey value) : IEquatable<OneKey<TKey>>
{
    private readonly TKey value = value;

    public object? Value => value;

    public bool Equals(OneKey<TKey> other) => value is byte[] bytes
        ? other.value is byte[] others && bytes.AsSpan().SequenceEqual(others)
        : EqualityComparer<TKey>.Default.Equals(value, other.value);

    public override bool Equals(object? obj) => obj is OneKey<TKey> other && Equals(other);

    public override int GetHashCode() => value switch
    {
        null => 0,
        byte[] bytes => (int)StableHash.Of(bytes),
        _ => value.GetHashCode(),
    };
}

namespace Sluice.Redis;

/// <summary>The arguments of a script, in order. The first two are set when it is sent.</summary>
internal sealed class Arguments
{
    private readonly List<RedisValue> values = [RedisValue.EmptyString, RedisValue.EmptyString];

    public Arguments Name(string name) => Text(Names.Encode(name));

    /// <summary>The stream and the partition of the call, for errors; the first of several.</summary>
    public string? AboutStream { get; private set; }

    public int? AboutPartition { get; private set; }

    public Arguments Stream(string stream)
    {
        AboutStream ??= stream;
        return Name(stream);
    }

    public Arguments Partition(int partition)
    {
        AboutPartition ??= partition;
        return Number(partition);
    }

    public Arguments Group(GroupId group) => Stream(group.Stream).Name(group.Name);

    public Arguments Owner(Ownership owner) => Group(owner.Group).Partition(owner.Partition).Number(owner.Epoch);

    public Arguments Text(string text)
    {
        values.Add(text);
        return this;
    }

    public Arguments Number(long number)
    {
        values.Add(number);
        return this;
    }

    public Arguments Flag(bool flag) => Number(flag ? 1 : 0);

    public Arguments Bytes(ReadOnlyMemory<byte> bytes)
    {
        values.Add(bytes.ToArray());
        return this;
    }

    /// <summary>Adds a time span in microseconds; empty if there is none.</summary>
    public Arguments Span(TimeSpan? span) => span is { } some ? Number(some.Ticks / TimeSpan.TicksPerMicrosecond) : Text("");

    public Arguments Each<T>(IReadOnlyCollection<T> items, Action<Arguments, T> add)
    {
        Number(items.Count);
        foreach (T item in items) add(this, item);
        return this;
    }

    public Arguments Parts(IReadOnlyCollection<BatchPart> parts)
        => Each(parts, (arguments, part) => arguments.Number(part.Partition).Number(part.Count).Number(part.Bytes).Bytes(part.Records));

    public Arguments Batches(IReadOnlyList<BatchChange> changes) => Each(changes, (arguments, change) => arguments
        .Name(change.Batch).Number(change.Accepted).Number(change.Ended).Number(change.Failed).Flag(change.Close)
        .Bytes(change.MarkerHeaders)
        .Each(change.MarkerStreams, (inner, stream) => inner.Name(stream)));

    public Arguments Reader(ReaderOptions options)
        => Flag(options.Start == StreamStart.New).Span(options.IdleTimeout).Flag(options.AppliesBackpressure);

    public RedisValue[] ToArray(DateTimeOffset? now, string store)
    {
        RedisValue[] all = [.. values];
        (all[0], all[1]) = (now is { } given ? StoreTime.Of(given) : 0, store);
        return all;
    }
}

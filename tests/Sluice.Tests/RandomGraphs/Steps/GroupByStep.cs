namespace Sluice.Tests.RandomGraphs;

/// <summary>GroupBy: runs of equal keys, up to a maximum size.</summary>
internal sealed record GroupByStep(int Id, int? Buffer, int Keys, int MaxSize) : GatherStep<Group<long, long>>(Id, Buffer)
{
    public override string Name => $"group-{Id}";

    protected override string Details => $" by {Keys} keys, up to {MaxSize}";

    protected override Source<Group<long, long>> Gather(Source<long> source) => source.GroupBy(Key, MaxSize);

    protected override long Sum(Group<long, long> gathered) => SumOf(gathered.Items, gathered.Key);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items)
    {
        for (int i = 0; i < items.Count;)
        {
            long key = Key(items[i].Value);
            var group = items.Skip(i).TakeWhile(item => Key(item.Value) == key).Take(MaxSize).Select(item => item.Value).ToList();
            yield return new(SumOf(group, key), null);
            i += group.Count;
        }
    }

    // Includes the number of the step: otherwise the result could equal a value of a source.
    private long SumOf(IEnumerable<long> items, long key) => Mixing.MixAll(items, Mixing.Mix(key, ~Id));

    private long Key(long value) => Mixing.Roll(value, Id, Keys);
}

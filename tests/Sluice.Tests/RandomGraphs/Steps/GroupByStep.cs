namespace Sluice.Tests.RandomGraphs;

/// <summary>Runs of equal keys, cut where they get too long.</summary>
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

    // With the number of the step: a key and a small number alone would be what a source makes as well.
    private long SumOf(IEnumerable<long> items, long key) => Mixing.MixAll(items, Mixing.Mix(key, ~Id));

    private long Key(long value) => Mixing.Roll(value, Id, Keys);
}

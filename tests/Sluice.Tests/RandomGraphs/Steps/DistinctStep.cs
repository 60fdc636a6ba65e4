namespace Sluice.Tests.RandomGraphs;

/// <summary>DistinctBy: emits the first item of every key, and remembers a limited number of keys.</summary>
internal sealed record DistinctStep(int Id, int? Buffer, int Keys, int Capacity) : OrderedStep(Id, Buffer)
{
    public override string Name => $"distinct-{Id}";

    protected override string Details => $" by {Keys} keys, {Capacity} remembered";

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.DistinctBy(Key, Capacity);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items)
    {
        List<long> remembered = [];
        foreach (Item item in items)
        {
            long key = Key(item.Value);
            if (remembered.TakeLast(Capacity).Contains(key)) continue;
            remembered.Add(key);
            yield return item;
        }
    }

    private long Key(long value) => Mixing.Roll(value, Id, Keys);
}

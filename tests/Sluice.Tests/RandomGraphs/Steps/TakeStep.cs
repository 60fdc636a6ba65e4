namespace Sluice.Tests.RandomGraphs;

/// <summary>Take: the first items. How many more items arrive depends on timing.</summary>
internal sealed record TakeStep(int Id, int? Buffer, int Count) : OrderedStep(Id, Buffer)
{
    public override string Name => $"take-{Id}";

    public override bool MayStop => true;

    protected override string Details => $" {Count}";

    protected override long MostOf(long items) => Math.Min(items, Count);

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.Take(Count);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items) => items.Take(Count);
}

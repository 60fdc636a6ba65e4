namespace Sluice.Tests.RandomGraphs;

/// <summary>Skip: all but the first items.</summary>
internal sealed record SkipStep(int Id, int? Buffer, int Count) : OrderedStep(Id, Buffer)
{
    public override string Name => $"skip-{Id}";

    protected override string Details => $" {Count}";

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.Skip(Count);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items) => items.Skip(Count);
}

namespace Sluice.Tests.RandomGraphs;

/// <summary>Aggregate: emits one number for all items at the end.</summary>
internal sealed record AggregateStep(int Id, int? Buffer) : OrderedStep(Id, Buffer)
{
    public override string Name => $"aggregate-{Id}";

    protected override string Details => "";

    protected override bool EndsItems => true;

    protected override long MostOf(long items) => 1;

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.Aggregate((long)Id, Mixing.Mix);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items)
        => [new(Mixing.MixAll(items.Select(item => item.Value), Id), null)];
}

namespace Sluice.Tests.RandomGraphs;

/// <summary>Scan: emits the state after every item.</summary>
internal sealed record ScanStep(int Id, int? Buffer) : OrderedStep(Id, Buffer)
{
    public override string Name => $"scan-{Id}";

    protected override string Details => "";

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.Scan((long)Id, Mixing.Mix);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items)
        => items.Select((item, n) => item with { Value = Mixing.MixAll(items.Take(n + 1).Select(before => before.Value), Id) });
}

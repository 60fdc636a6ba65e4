namespace Sluice.Tests.RandomGraphs;

/// <summary>Timeout: a time limit for the next item that no item comes near.</summary>
internal sealed record TimeoutStep(int Id, int? Buffer) : OrderedStep(Id, Buffer)
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(10_000);

    public override string Name => $"timeout-{Id}";

    protected override string Details => "";

    protected override Source<long> Apply(Source<long> source, Rig rig) => source.Timeout(Never);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items) => items;
}
